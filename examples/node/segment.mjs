// Usage: node segment.mjs PICTURE|ADDRESS
import { readFile } from "node:fs/promises";

const server = process.env.SILHOUETTE_URL ?? "http://127.0.0.1:9001";
const model = process.env.SILHOUETTE_MODEL ?? "tabletop/1";
const [picture] = process.argv.slice(2);

const query = new URLSearchParams({ api_key: process.env.SILHOUETTE_API_KEY ?? "" });
const request = { method: "POST" };
if (/^https?:/.test(picture)) {
  query.set("image", picture);
} else {
  request.body = await readFile(picture, "base64");
  request.headers = { "Content-Type": "application/x-www-form-urlencoded" };
}

const response = await fetch(`${server}/${model}?${query}`, request);
const answer = await response.json();
if (!response.ok) throw new Error(answer.message ?? answer.Message);

for (const { class: name, confidence, x, y, width, height, points } of answer.predictions) {
  console.log(`${name}  ${Math.round(confidence * 100)}%  at ${x},${y}  ${width}x${height}  ${points.length} points`);
}
