# Usage: elixir segment.exs PICTURE|ADDRESS
{:ok, _} = Application.ensure_all_started(:inets)
{:ok, _} = Application.ensure_all_started(:ssl)

[picture] = System.argv()
server = System.get_env("SILHOUETTE_URL", "http://127.0.0.1:9001")
model = System.get_env("SILHOUETTE_MODEL", "tabletop/1")
key = System.get_env("SILHOUETTE_API_KEY", "")

{query, body} =
  if String.starts_with?(picture, ["http://", "https://"]) do
    {%{api_key: key, image: picture}, ""}
  else
    {%{api_key: key}, Base.encode64(File.read!(picture))}
  end

address = String.to_charlist("#{server}/#{model}?#{URI.encode_query(query)}")
request = {address, [], 'application/x-www-form-urlencoded', body}

answer =
  case :httpc.request(:post, request, [], body_format: :binary) do
    {:ok, {{_, 200, _}, _, answer}} -> answer
    {:ok, {{_, status, _}, _, answer}} -> raise "HTTP #{status}: #{answer}"
    {:error, reason} -> raise "no answer: #{inspect(reason)}"
  end

# Elixir has no JSON of its own before 1.18; a project that has Jason would use that.
number = ~S{:([-0-9.]+),}

~r/"x"#{number}"y"#{number}"width"#{number}"height"#{number}"confidence"#{number}"class":"([^"]*)".*?"points":\[(.*?)\]/
|> Regex.scan(answer)
|> Enum.each(fn [_, x, y, width, height, confidence, name, points] ->
  {share, _} = Float.parse(confidence)
  count = points |> String.split("{") |> length() |> Kernel.-(1)
  IO.puts("#{name}  #{round(share * 100)}%  at #{x},#{y}  #{width}x#{height}  #{count} points")
end)
