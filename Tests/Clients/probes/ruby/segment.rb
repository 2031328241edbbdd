require "base64"
require "httparty"

puts HTTParty.post(ARGV.fetch(0), query: { a: "b" }, body: Base64.encode64("text"))["state"]
