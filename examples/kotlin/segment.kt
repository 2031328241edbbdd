// Usage: kotlinc segment.kt -include-runtime -d segment.jar && java -jar segment.jar PICTURE|ADDRESS
import java.io.File
import java.net.HttpURLConnection
import java.net.URL
import java.net.URLEncoder
import java.util.Base64
import kotlin.math.roundToInt

fun variable(name: String, otherwise: String) = System.getenv(name) ?: otherwise

fun escaped(text: String): String = URLEncoder.encode(text, "utf-8")

fun main(arguments: Array<String>) {
    val picture = arguments[0]
    val isAddress = picture.startsWith("http://") || picture.startsWith("https://")
    var address = variable("SILHOUETTE_URL", "http://127.0.0.1:9001") + "/" + variable("SILHOUETTE_MODEL", "tabletop/1") +
        "?api_key=" + escaped(variable("SILHOUETTE_API_KEY", ""))
    if (isAddress) address += "&image=" + escaped(picture)

    val connection = URL(address).openConnection() as HttpURLConnection
    connection.requestMethod = "POST"
    connection.setRequestProperty("Content-Type", "application/x-www-form-urlencoded")
    connection.doOutput = true
    val body = if (isAddress) ByteArray(0) else Base64.getEncoder().encode(File(picture).readBytes())
    connection.outputStream.use { it.write(body) }
    if (connection.responseCode != 200) {
        System.err.println(connection.errorStream.bufferedReader().readText())
        System.exit(1)
    }
    val answer = connection.inputStream.bufferedReader().readText()

    // Kotlin has no JSON of its own; a program that has a library for it would use that.
    val number = ":([-0-9.]+),"
    val prediction = Regex("\"x\"$number\"y\"$number\"width\"$number\"height\"$number\"confidence\"$number\"class\":\"([^\"]*)\".*?\"points\":\\[(.*?)]")
    for (found in prediction.findAll(answer)) {
        val (x, y, width, height, confidence, name, points) = found.destructured
        println("$name  ${(confidence.toDouble() * 100).roundToInt()}%  at $x,$y  ${width}x$height  ${points.count { it == '{' }} points")
    }
}
