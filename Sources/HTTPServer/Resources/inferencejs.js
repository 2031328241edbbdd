/** A picture for `InferenceEngine.infer`. */
class CVImage {
  constructor(image) {
    this.image = image;
  }

  dispose() {
    if (this.image && typeof this.image.close === "function") this.image.close();
    this.image = null;
  }
}

/** Models by worker. A worker is a model on the server; nothing runs on the page. */
class InferenceEngine {
  #workers = new Map();
  #last = 0;

  /** Resolves to the id of a worker for a model. */
  async startWorker(modelName, modelVersion, publishableKey, config) {
    const model = await RemoteModel.open(server, modelName, modelVersion, publishableKey);
    for (const settings of Array.isArray(config) ? config : [config]) {
      if (!settings) continue;
      const { scoreThreshold, iouThreshold, maxNumBoxes, ...others } = settings;
      const known = { threshold: scoreThreshold, overlap: iouThreshold, max_objects: maxNumBoxes };
      model.configure({ ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)), ...others });
    }
    this.#last += 1;
    this.#workers.set(this.#last, model);
    return this.#last;
  }

  /** The same for an id such as `dataset/1`. */
  startWorkerByModelId(modelId, publishableKey, config) {
    const [name, version, more] = String(modelId).split("/");
    if (!name || !version || more !== undefined) return Promise.reject(new Error(`'${modelId}' is no model id; expected such as dataset/1.`));
    return this.startWorker(name, version, publishableKey, config);
  }

  /** Resolves to an array of predictions. */
  async infer(workerId, image) {
    return this.#model(workerId).detect(image instanceof CVImage ? image.image : image);
  }

  async stopWorker(workerId) {
    this.#model(workerId).close();
    this.#workers.delete(workerId);
  }

  #model(workerId) {
    const model = this.#workers.get(workerId);
    if (!model) throw new Error(`There is no worker ${workerId}.`);
    return model;
  }
}

globalThis.inferencejs = { InferenceEngine, CVImage };
