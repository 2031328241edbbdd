// Usage: java Segment.java PICTURE|ADDRESS
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Pattern;

public class Segment {
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Map<String, String> environment = System.getenv();
        String server = environment.getOrDefault("SILHOUETTE_URL", "http://127.0.0.1:9001");
        String model = environment.getOrDefault("SILHOUETTE_MODEL", "tabletop/1");
        String picture = arguments[0];

        String address = server + "/" + model + "?api_key=" + escaped(environment.getOrDefault("SILHOUETTE_API_KEY", ""));
        HttpRequest.BodyPublisher body = BodyPublishers.noBody();
        if (picture.startsWith("http://") || picture.startsWith("https://")) {
            address += "&image=" + escaped(picture);
        } else {
            body = BodyPublishers.ofString(Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(picture))));
        }
        HttpRequest request = HttpRequest.newBuilder(URI.create(address))
            .header("Content-Type", "application/x-www-form-urlencoded").POST(body).build();
        var response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            System.err.println(response.body());
            System.exit(1);
        }

        // Java has no JSON of its own; a program that has a library for it would use that.
        String number = ":([-0-9.]+),";
        Pattern prediction = Pattern.compile("\"x\"" + number + "\"y\"" + number + "\"width\"" + number + "\"height\"" + number
            + "\"confidence\"" + number + "\"class\":\"([^\"]*)\".*?\"points\":\\[(.*?)\\]");
        var found = prediction.matcher(response.body());
        while (found.find()) {
            System.out.printf("%s  %d%%  at %s,%s  %sx%s  %d points%n", found.group(6),
                Math.round(Double.parseDouble(found.group(5)) * 100), found.group(1), found.group(2), found.group(3),
                found.group(4), found.group(7).split("\\{").length - 1);
        }
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
