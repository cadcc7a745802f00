import type { Model } from "../../onnx/index.ts";
import type { Logits } from "../../twin/index.ts";
import { agreementOf } from "../logits.ts";
import { answersOf, relativeError } from "./answers.ts";
import { type Biases, correctBiases } from "./bias-correction.ts";
import type { Calibration } from "./calibration.ts";
import { bySensitivity, fewestGivenBack } from "./give-back.ts";
import type { CheckedOptions } from "./options.ts";
import { biasesOf, planOf, rangesOf } from "./plan.ts";
import { insertQdq, type QuantizationPlan } from "./qdq.ts";
import type { Range, RangeMethod } from "./ranges.ts";
import { productsSaturate } from "./saturation.ts";
import { findUnits, type Unit, type Units } from "./units.ts";

/** Fewer images than this leave the tails of histograms too thin for the search by squared error. */
const imagesForSearch = 64;
/** Images that rank the nodes. */
const rankingImages = 64;

/** One quantised form of the model. */
export interface Attempt {
  readonly model: Model;
  readonly units: Units;
  readonly plan: QuantizationPlan;
  /** Share of the held-out images that keep their class. */
  readonly agreement: number;
  readonly givenBack: readonly string[];
}

/** Quantises one calibrated model, with more or fewer of its nodes in float32. */
export class Quantizer {
  readonly method: RangeMethod;
  readonly ranges: ReadonlyMap<string, Range>;
  readonly weightBits: number;
  readonly #model: Model;
  readonly #calibration: Calibration;
  readonly #options: CheckedOptions;
  readonly #answers: Logits;

  private constructor(
    model: Model,
    calibration: Calibration,
    options: CheckedOptions,
    found: { saturates: boolean; answers: Logits },
  ) {
    this.#model = model;
    this.#calibration = calibration;
    this.#options = options;
    this.#answers = found.answers;
    this.method = options.method ?? (calibration.count < imagesForSearch ? "percentile-99.9" : "mse");
    this.weightBits = options.weightBits ?? (found.saturates ? 7 : 8);
    this.ranges = rangesOf(model, findUnits(model).units, calibration.histograms, this.method);
  }

  /** Runs the float32 network on the held-out images, and asks the machine what its products can do. */
  static async create(model: Model, calibration: Calibration, options: CheckedOptions): Promise<Quantizer> {
    const saturates = await productsSaturate();
    const answers = await answersOf(model, calibration.heldOut, options.threads, options.signal);
    return new Quantizer(model, calibration, options, { saturates, answers });
  }

  /** Quantises every node that can be, then gives nodes back to float32 until the agreement is reached. */
  async reach(minAgreement: number): Promise<Attempt> {
    const all = await this.#attempt([]);
    if (all.agreement >= minAgreement) return all;
    const order = await this.#order();
    const attempts = new Map<number, Attempt>();
    const count = await fewestGivenBack(order.length, minAgreement, async (count) => {
      const attempt = await this.#attempt(order.slice(0, count));
      attempts.set(count, attempt);
      this.#options.onProgress("give back", attempts.size);
      return attempt.agreement;
    });
    return attempts.get(count) ?? (await this.#attempt(order.slice(0, count)));
  }

  /** The integer model with these nodes in float32, its biases corrected. */
  async #attempt(givenBack: readonly string[]): Promise<Attempt> {
    const reasons = new Map(givenBack.map((name) => [name, "given back: its error costs agreement"]));
    const units = findUnits(this.#model, reasons);
    const biases = await this.#biases(units.units);
    const plan = this.#plan(units.units, biases);
    const model = insertQdq(this.#model, plan);
    const { threads, signal } = this.#options;
    const answers = await answersOf(model, this.#calibration.heldOut, threads, signal);
    return { model, units, plan, agreement: agreementOf(this.#answers, answers), givenBack };
  }

  #plan(units: readonly Unit[], biases: Biases): QuantizationPlan {
    return planOf(this.#model, units, this.ranges, this.weightBits, biases);
  }

  async #biases(units: readonly Unit[]): Promise<Biases> {
    const own = biasesOf(this.#model, units);
    if (!this.#options.biasCorrection || units.length === 0) return own;
    this.#options.onProgress("correct", 0, 1);
    const written = insertQdq(this.#model, this.#plan(units, own));
    return await correctBiases(this.#model, written, units, own, this.#calibration.sample, this.#options);
  }

  /** Names of the nodes that compute, the one first that hurts the answers most when it alone is quantised. */
  async #order(): Promise<string[]> {
    const { threads, signal, onProgress } = this.#options;
    const images = this.#calibration.sample.slice(0, rankingImages);
    const wanted = await answersOf(this.#model, images, threads, signal);
    const units = findUnits(this.#model).units.filter((unit) => unit.role !== "movement");
    let done = 0;
    const ranked = await bySensitivity(units, async (unit) => {
      const alone = insertQdq(this.#model, this.#plan([unit], biasesOf(this.#model, [unit])));
      onProgress("rank", ++done, units.length);
      return relativeError(wanted, await answersOf(alone, images, threads, signal));
    });
    return ranked.map(({ node }) => node);
  }
}
