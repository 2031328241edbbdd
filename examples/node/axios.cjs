// The same with axios. Usage: node axios.cjs PICTURE|ADDRESS
const axios = require("axios");
const fs = require("node:fs");

const server = process.env.SILHOUETTE_URL ?? "http://127.0.0.1:9001";
const model = process.env.SILHOUETTE_MODEL ?? "tabletop/1";
const [picture] = process.argv.slice(2);
const isAddress = /^https?:/.test(picture);

axios({
  method: "POST",
  url: `${server}/${model}`,
  params: { api_key: process.env.SILHOUETTE_API_KEY, ...(isAddress && { image: picture }) },
  ...(!isAddress && {
    data: fs.readFileSync(picture, { encoding: "base64" }),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  }),
})
  .then(({ data }) => {
    for (const { class: name, confidence, x, y, width, height, points } of data.predictions) {
      console.log(`${name}  ${Math.round(confidence * 100)}%  at ${x},${y}  ${width}x${height}  ${points.length} points`);
    }
  })
  .catch((error) => {
    console.error(error.response ? error.response.data : error.message);
    process.exitCode = 1;
  });
