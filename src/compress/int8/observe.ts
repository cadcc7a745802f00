import type { Model } from "../../onnx/index.ts";
import { Histogram } from "./histogram.ts";
import type { ImageBatch } from "./images.ts";
import { together } from "./images.ts";
import { CalibrationNetwork } from "./network.ts";

/** Inner values that are held at a time, in bytes. */
const heldBytes = 2 ** 26;
/** The most images of a run. */
const largestBatch = 32;

/**
 * Watches inner values over calibration images, a streaming histogram each. Images are run a few at a time, so that
 * the values held stay within 64 MiB however large the network and however many the images.
 */
export class Observer implements AsyncDisposable {
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Images seen. */
  count = 0;
  readonly #network: CalibrationNetwork;
  #pending: Float32Array[] = [];
  /** Known after the first image. */
  #batchSize = 1;

  private constructor(network: CalibrationNetwork, values: readonly string[]) {
    this.#network = network;
    this.histograms = new Map(values.map((name) => [name, new Histogram()]));
  }

  static async open(model: Model, values: readonly string[], threads: number): Promise<Observer> {
    const inputs = new Set(model.graph.inputs.map((input) => input.name));
    const extra = values.filter((name) => !inputs.has(name));
    return new Observer(await CalibrationNetwork.open(model, { threads, extra }), values);
  }

  async add(image: Float32Array): Promise<void> {
    this.#pending.push(image.slice());
    if (this.#pending.length >= this.#network.batchSize(this.#batchSize)) await this.flush();
  }

  /** Runs the images that wait. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const batch = together(this.#pending);
    this.#pending = [];
    const results = await this.#network.run(batch);
    const bytes = [...results.values()].reduce((sum, values) => sum + values.byteLength, 0) / batch.count;
    this.#batchSize = Math.max(1, Math.min(largestBatch, Math.floor(heldBytes / bytes)));
    this.#count(batch, results);
  }

  #count(batch: ImageBatch, results: ReadonlyMap<string, Float32Array>): void {
    this.count += batch.count;
    for (const [name, histogram] of this.histograms) histogram.add(results.get(name) ?? batch.data);
  }

  /** Bytes of the histograms. */
  get bytes(): number {
    return [...this.histograms.values()].reduce((sum, histogram) => sum + histogram.bytes, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
  }
}
