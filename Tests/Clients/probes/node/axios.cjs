const axios = require("axios");

const [address] = process.argv.slice(2);
axios({ method: "POST", url: address, params: { a: "b" }, data: "text" }).then(({ data }) => {
  console.log(data.state ?? "no answer");
});
