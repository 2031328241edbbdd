using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Web.Script.Serialization;

static class Segment
{
    static void Main(string[] arguments)
    {
        var request = WebRequest.Create(arguments[0]);
        request.Method = "POST";
        using (var stream = request.GetRequestStream()) stream.Write(new byte[] { 65 }, 0, 1);
        using (var response = request.GetResponse())
        using (var reader = new StreamReader(response.GetResponseStream()))
        {
            var answer = (IDictionary<string, object>)new JavaScriptSerializer().DeserializeObject(reader.ReadToEnd());
            Console.WriteLine(FormattableString.Invariant($"{answer["state"]}"));
        }
    }
}
