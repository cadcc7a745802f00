import type { Model } from "../../onnx/index.ts";
import { Histogram } from "./histogram.ts";
import { InnerRuns } from "./inner-runs.ts";
import { CalibrationNetwork } from "./network.ts";

/** Watches inner values over calibration images: one streaming histogram each, in one pass and flat memory. */
export class Observer implements AsyncDisposable {
  readonly histograms: ReadonlyMap<string, Histogram>;
  /** Images seen. */
  count = 0;
  readonly #network: CalibrationNetwork;
  readonly #runs: InnerRuns;

  private constructor(network: CalibrationNetwork, values: readonly string[]) {
    this.#network = network;
    this.histograms = new Map(values.map((name) => [name, new Histogram()]));
    this.#runs = new InnerRuns(network, (batch, results) => {
      for (const [name, histogram] of this.histograms) histogram.add(results.get(name) ?? batch.data);
    });
  }

  static async open(model: Model, values: readonly string[], threads: number): Promise<Observer> {
    const inputs = new Set(model.graph.inputs.map((input) => input.name));
    const extra = values.filter((name) => !inputs.has(name));
    return new Observer(await CalibrationNetwork.open(model, { threads, extra }), values);
  }

  /** Number of values of one image. */
  get imageSize(): number {
    return this.#network.imageSize;
  }

  async add(image: Float32Array): Promise<void> {
    this.count++;
    await this.#runs.add(image);
  }

  /** Waits until every image given is counted. */
  async finish(): Promise<void> {
    await this.#runs.flush();
  }

  /** Bytes of the histograms. */
  get bytes(): number {
    return [...this.histograms.values()].reduce((sum, histogram) => sum + histogram.bytes, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
  }
}
