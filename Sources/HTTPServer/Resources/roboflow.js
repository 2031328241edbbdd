/** What `roboflow.load` resolves to. */
class Model {
  #remote;

  constructor(remote) {
    this.#remote = remote;
  }

  /** Settings as fractions: `threshold`, `overlap` (or `nms_threshold`), `max_objects`. Later calls win. */
  configure(settings) {
    this.#remote.configure(settings || {});
    return this;
  }

  getConfiguration() {
    return { ...this.#remote.settings };
  }

  getMetadata() {
    return this.#remote.metadata;
  }

  /** Resolves to an array of predictions: class, confidence, color, bbox (its x and y are the centre), points. */
  detect(image) {
    return this.#remote.detect(image);
  }

  /** Frees the model; `detect` rejects from then on. */
  teardown() {
    this.#remote.close();
  }
}

function makeRoboflow(key) {
  return {
    VERSION: "0.2.26",

    /** Sets the key of later `load`s. Asks nothing of the network. */
    auth(options) {
      return makeRoboflow(options && (options.publishable_key || options.api_key));
    },

    /** Resolves to a model. */
    async load(options) {
      if (!options || !options.model || options.version === undefined) {
        throw new Error("roboflow.load() needs a model and a version.");
      }
      const remote = await RemoteModel.open(server, options.model, options.version, key);
      if (typeof options.onMetadata === "function") options.onMetadata(remote.metadata);
      return new Model(remote);
    },
  };
}

globalThis.roboflow = makeRoboflow();
