import { fingerprint, type Planes, type Prepared } from "../data/index.ts";
import { type InputError, ModelError } from "../errors.ts";
import type { Lane, Network, NetworkName } from "../lanes/types.ts";
import type { Logits } from "./types.ts";

/** The answers of several networks on the same images. */
export interface Collected {
  readonly names: readonly string[];
  /** Class of each image, or -1. */
  readonly labels: Int32Array;
  /** One short hash an image, of what the networks read. */
  readonly fingerprints: readonly string[];
  readonly logits: ReadonlyMap<NetworkName, Logits>;
  /** Milliseconds of a lane that each network took for one image. */
  readonly time: ReadonlyMap<NetworkName, number>;
  /** Planes of the first images, as many as were asked to be kept. */
  readonly kept: readonly Planes[];
  /** Images that could not be read. */
  readonly failures: readonly { readonly name: string; readonly error: InputError }[];
}

export interface CollectOptions {
  /** Lanes that have all `networks` loaded. */
  readonly lanes: readonly Lane[];
  /** Images in a batch; the last may be shorter. */
  readonly batch: number;
  /** How many of the first images to keep; none by default. */
  readonly keep?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of images answered since the last call. */
  readonly onProgress?: ((images: number) => void) | undefined;
}

/**
 * Runs every network on every image. Batches are cut in order, so the same images give the same logits.
 *
 * @throws ModelError that names file, network and image, where a logit is no number
 */
export async function collectLogits(
  images: AsyncIterable<Prepared>,
  networks: readonly Network[],
  options: CollectOptions,
): Promise<Collected> {
  const collector = new Collector(networks, options);
  for await (const image of images) {
    options.signal?.throwIfAborted();
    await collector.add(image);
  }
  return collector.finish();
}

/** Cuts batches and keeps every lane busy, two batches ahead. */
class Collector {
  readonly #networks: readonly Network[];
  readonly #options: CollectOptions;
  readonly #names: string[] = [];
  readonly #labels: number[] = [];
  readonly #fingerprints: string[] = [];
  readonly #failures: { name: string; error: InputError }[] = [];
  readonly #rows = new Map<NetworkName, Promise<Float32Array>[]>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #kept: Planes[] = [];
  readonly #busy = new Map<NetworkName, number>();
  #pending: Planes[] = [];
  #turn = 0;

  constructor(networks: readonly Network[], options: CollectOptions) {
    this.#networks = networks;
    this.#options = options;
    for (const network of networks) this.#rows.set(network.name, []);
  }

  async add(image: Prepared): Promise<void> {
    if ("error" in image) {
      this.#failures.push({ name: image.name, error: image.error });
      return;
    }
    this.#names.push(image.name);
    this.#labels.push(image.label ?? -1);
    this.#fingerprints.push(fingerprint(image.planes));
    if (this.#kept.length < (this.#options.keep ?? 0)) this.#kept.push(image.planes);
    this.#pending.push(image.planes);
    if (this.#pending.length === this.#options.batch) await this.#flush();
  }

  async finish(): Promise<Collected> {
    if (this.#pending.length > 0) await this.#flush();
    const logits = new Map<NetworkName, Logits>();
    for (const network of this.#networks) logits.set(network.name, await this.#join(network));
    return {
      names: this.#names,
      labels: Int32Array.from(this.#labels),
      fingerprints: this.#fingerprints,
      logits,
      time: new Map([...this.#busy].map(([name, milliseconds]) => [name, milliseconds / this.#names.length])),
      kept: this.#kept,
      failures: this.#failures,
    };
  }

  async #flush(): Promise<void> {
    const planes = this.#pending;
    this.#pending = [];
    for (const network of this.#networks) {
      while (this.#running.size >= 2 * this.#options.lanes.length) await Promise.race(this.#running);
      this.#start(network, planes);
    }
  }

  #start(network: Network, planes: readonly Uint8Array[]): void {
    const lane = this.#options.lanes[this.#turn++ % this.#options.lanes.length]!;
    const first = this.#names.length - planes.length;
    const asked = lane.run(network.name, { count: planes.length, pieces: planes });
    const run = asked.then(({ logits, started, finished }) => {
      this.#busy.set(network.name, (this.#busy.get(network.name) ?? 0) + finished - started);
      this.#options.onProgress?.(planes.length / this.#networks.length);
      this.#refuseUnanswered(network, logits, first);
      return logits;
    });
    const settled = run.then(noop, noop).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    this.#rows.get(network.name)!.push(run);
  }

  #refuseUnanswered({ name, file, output }: Network, logits: Float32Array, first: number): void {
    const wrong = logits.findIndex((value) => !Number.isFinite(value));
    if (wrong === -1) return;
    const image = this.#names[first + Math.floor(wrong / output.classes)];
    throw new ModelError(
      `${file}: the ${name} network put out ${logits[wrong]} for class ${wrong % output.classes} of image ${image}; check its weights and the preprocessing`,
    );
  }

  async #join(network: Network): Promise<Logits> {
    const parts = await Promise.all(this.#rows.get(network.name)!);
    const data = new Float32Array(this.#names.length * network.output.classes);
    let offset = 0;
    for (const part of parts) {
      data.set(part, offset);
      offset += part.length;
    }
    return { data, count: this.#names.length, classes: network.output.classes };
  }
}

const noop = (): void => undefined;

/** The logits of one network; a programming error when it was not collected. */
export function logitsOf(collected: Collected, name: NetworkName): Logits {
  const logits = collected.logits.get(name);
  if (logits === undefined) throw new RangeError(`the answers of network "${name}" were not collected`);
  return logits;
}
