# Usage: ruby segment.rb PICTURE|ADDRESS
require "base64"
require "httparty"

server = ENV.fetch("SILHOUETTE_URL", "http://127.0.0.1:9001")
model = ENV.fetch("SILHOUETTE_MODEL", "tabletop/1")
picture = ARGV.fetch(0)

query = { api_key: ENV["SILHOUETTE_API_KEY"] }
options = { query: query, headers: { "Content-Type" => "application/x-www-form-urlencoded" } }
if picture.start_with?("http://", "https://")
  query[:image] = picture
else
  options[:body] = Base64.encode64(File.binread(picture))
end

response = HTTParty.post("#{server}/#{model}", options)
abort response.body unless response.code == 200

response["predictions"].each do |found|
  puts format("%s  %d%%  at %g,%g  %gx%g  %d points", found["class"], (found["confidence"] * 100).round,
              *found.values_at("x", "y", "width", "height"), found["points"].length)
end
