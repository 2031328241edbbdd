/** Colours by class, in the order in which the server paints them. */
const palette = ["#4892EA", "#00EEC3", "#FE4EF0", "#F4004E", "#FA7200", "#EEEE17", "#90FF00", "#78C1D2", "#8C29FF"];

/** A model on the server. One request is under way at a time; later ones wait for it. */
class RemoteModel {
  constructor(base, id, key, metadata) {
    this.base = base;
    this.id = id;
    this.key = key;
    this.metadata = metadata;
    this.settings = { threshold: 0.4, overlap: 0.3, max_objects: 300 };
    this.last = Promise.resolve();
    this.isOpen = true;
  }

  /** Finds a model. Rejects with an `Error` for a wrong key and for a model that is not served. */
  static async open(base, dataset, version, key) {
    const query = key ? `?api_key=${encodeURIComponent(key)}` : "";
    const answer = await ask(`${base}/home/${encodeURIComponent(dataset)}${query}`);
    const found = answer.versions.find((each) => each.name === String(version));
    if (!found) {
      const names = answer.versions.map((each) => each.name).join(", ");
      throw new Error(`The model ${dataset}/${version} is not served; its versions are: ${names}.`);
    }
    const classes = found.model.classes;
    const metadata = {
      name: answer.project.name, type: answer.project.type, id: `${dataset}/${version}`, version: String(version),
      classes, colors: Object.fromEntries(classes.map((name, i) => [name, palette[i % palette.length]])),
    };
    return new RemoteModel(base, `${dataset}/${version}`, key, metadata);
  }

  configure(changes) {
    const known = { ...changes };
    if (known.nms_threshold !== undefined && known.overlap === undefined) known.overlap = known.nms_threshold;
    Object.assign(this.settings, known);
  }

  /** The objects in an image, a video's frame, a canvas, an ImageBitmap, an ImageData or a Blob. */
  detect(image) {
    const turn = this.last.then(() => this.send(image));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  async send(image) {
    if (!this.isOpen) throw new Error("The model was torn down.");
    const { threshold, overlap, max_objects } = this.settings;
    const query = new URLSearchParams({ confidence: share(threshold), overlap: share(overlap), max_detections: String(max_objects) });
    if (this.key) query.set("api_key", this.key);
    const options = { method: "POST" };
    const picture = await pictureOf(image);
    if (typeof picture === "string") {
      query.set("image", picture); // a page may show a picture whose pixels it may not read: the server fetches it
    } else {
      options.body = new FormData(); // needs no preflight
      options.body.append("file", picture, "image");
    }
    const answer = await ask(`${this.base}/${this.id.split("/").map(encodeURIComponent).join("/")}?${query}`, options);
    return answer.predictions.map((each) => ({
      class: each.class, class_id: each.class_id, confidence: each.confidence, color: palette[each.class_id % palette.length],
      bbox: { x: each.x, y: each.y, width: each.width, height: each.height },
      x: each.x, y: each.y, width: each.width, height: each.height, points: each.points,
    }));
  }

  close() {
    this.isOpen = false;
  }
}

/** A share as the server reads it: from 1 on it would be percent. */
function share(value) {
  const number = Number(value);
  return String(number >= 1 ? Math.min(number === 1 ? 100 : number, 100) : number);
}

/** An answer's JSON; what the server says is wrong becomes the error's message. */
async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    throw new Error(`The server ${server} cannot be reached: ${error.message}`);
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const message = answer.message || answer.Message || (answer.error && answer.error.message) || `HTTP ${response.status}`;
  throw Object.assign(new Error(message), { status: response.status });
}

/** A Blob with the picture, or the address of one whose pixels cannot be read. */
async function pictureOf(image) {
  if (image instanceof Blob) return image;
  const isA = (name) => typeof globalThis[name] !== "undefined" && image instanceof globalThis[name];
  if (isA("ImageData")) {
    const canvas = canvasOf(image.width, image.height);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return blobOf(canvas);
  }
  if (isA("HTMLImageElement") && !image.complete) await image.decode();
  if (!image) throw new TypeError("detect() needs a picture.");
  const width = image.videoWidth || image.naturalWidth || image.displayWidth || image.width;
  const height = image.videoHeight || image.naturalHeight || image.displayHeight || image.height;
  if (!width || !height) throw new TypeError("detect() takes a picture: an image, a video, a canvas, an ImageBitmap, an ImageData or a Blob that has pixels.");
  const canvas = canvasOf(width, height);
  canvas.getContext("2d").drawImage(image, 0, 0, width, height);
  try {
    return await blobOf(canvas);
  } catch (error) {
    const address = image.currentSrc || image.src || "";
    if (error.name === "SecurityError" && /^https?:/.test(address)) return address;
    throw error;
  }
}

function canvasOf(width, height) {
  if (typeof document === "undefined") return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement("canvas"), { width, height });
}

function blobOf(canvas) {
  if (canvas.convertToBlob) return canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture cannot be encoded."))), "image/jpeg", 0.9);
  });
}
