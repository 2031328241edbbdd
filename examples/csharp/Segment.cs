// Usage: mcs Segment.cs -r:System.Web.Extensions && mono Segment.exe PICTURE|ADDRESS
using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Text;
using System.Web.Script.Serialization;

static class Segment
{
    static string Variable(string name, string otherwise)
    {
        return Environment.GetEnvironmentVariable(name) ?? otherwise;
    }

    static int Main(string[] arguments)
    {
        var picture = arguments[0];
        var isAddress = picture.StartsWith("http://") || picture.StartsWith("https://");
        var address = Variable("SILHOUETTE_URL", "http://127.0.0.1:9001") + "/" + Variable("SILHOUETTE_MODEL", "tabletop/1")
            + "?api_key=" + Uri.EscapeDataString(Variable("SILHOUETTE_API_KEY", ""))
            + (isAddress ? "&image=" + Uri.EscapeDataString(picture) : "");
        var body = isAddress ? new byte[0] : Encoding.ASCII.GetBytes(Convert.ToBase64String(File.ReadAllBytes(picture)));

        var request = WebRequest.Create(address);
        request.Method = "POST";
        request.ContentType = "application/x-www-form-urlencoded";
        request.ContentLength = body.Length;
        try
        {
            using (var stream = request.GetRequestStream()) stream.Write(body, 0, body.Length);
            using (var response = request.GetResponse())
            using (var reader = new StreamReader(response.GetResponseStream())) Print(reader.ReadToEnd());
            return 0;
        }
        catch (WebException error)
        {
            Console.Error.WriteLine(error.Response == null
                ? error.Message : new StreamReader(error.Response.GetResponseStream()).ReadToEnd());
            return 1;
        }
    }

    static void Print(string json)
    {
        var answer = (IDictionary<string, object>)new JavaScriptSerializer { MaxJsonLength = int.MaxValue }.DeserializeObject(json);
        foreach (IDictionary<string, object> found in (IEnumerable)answer["predictions"])
        {
            Console.WriteLine(FormattableString.Invariant(
                $"{found["class"]}  {Math.Round(Convert.ToDouble(found["confidence"]) * 100)}%  at {found["x"]},{found["y"]}  {found["width"]}x{found["height"]}  {((object[])found["points"]).Length} points"));
        }
    }
}
