import java.net.HttpURLConnection
import java.net.URL

fun main(arguments: Array<String>) {
    val connection = URL(arguments[0]).openConnection() as HttpURLConnection
    connection.requestMethod = "POST"
    connection.doOutput = true
    connection.outputStream.use { it.write("text".toByteArray()) }
    println(connection.inputStream.bufferedReader().readText())
}
