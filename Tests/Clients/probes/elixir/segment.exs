{:ok, _} = Application.ensure_all_started(:inets)
{:ok, _} = Application.ensure_all_started(:ssl)

[address] = System.argv()
request = {String.to_charlist(address <> "?" <> URI.encode_query(%{a: "b"})), [], 'text/plain', Base.encode64("text")}
{:ok, {{_, 200, _}, _, answer}} = :httpc.request(:post, request, [], body_format: :binary)
[[state]] = Regex.scan(~r/ready/, answer)
IO.puts(state)
