import type { Planes } from "../data/types.ts";
import { type Failure, isFailure } from "../twin/types.ts";
import { type Clock, systemClock } from "./clock.ts";

/** An image ready for the networks, or why there is none. */
export type Input = Planes | Failure;
export type Inputs = Iterable<Input> | AsyncIterable<Input>;

/** Something that classifies images, such as a scheduler. */
export interface System {
  /** Yields one outcome an input, in their order; takes inputs only as fast as it can use them. */
  run(inputs: Inputs, options?: { readonly signal?: AbortSignal }): AsyncIterable<object>;
}

export interface ScenarioOptions {
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
}

// The scenarios are those of V. Janapa Reddi et al., "MLPerf inference benchmark", ISCA 2020.

/** Offline: all images are there from the start. Returns images per second. */
export async function offline(
  system: System,
  images: Inputs,
  { signal, clock = systemClock }: ScenarioOptions = {},
): Promise<number> {
  const started = clock.now();
  let answered = 0;
  for await (const _ of answers(system, images, signal)) answered++;
  return (1000 * answered) / (clock.now() - started);
}

/** Single stream: an image is given when the one before is answered. Returns the milliseconds of each. */
export async function singleStream(
  system: System,
  images: Iterable<Input>,
  { signal, clock = systemClock }: ScenarioOptions = {},
): Promise<number[]> {
  let given = 0;
  let release: (() => void) | undefined;
  async function* oneByOne(): AsyncGenerator<Input> {
    for (const image of images) {
      const answered = new Promise<void>((resolve) => {
        release = resolve;
      });
      given = clock.now();
      yield image;
      await answered;
    }
  }
  const latencies: number[] = [];
  for await (const _ of answers(system, oneByOne(), signal)) {
    latencies.push(clock.now() - given);
    release?.();
  }
  return latencies;
}

/**
 * Server: images arrive at the given moments (milliseconds from the start) whether or not the system keeps up. A
 * latency counts from the arrival that was scheduled, so a system that falls behind cannot hide it.
 */
export async function server(
  system: System,
  images: Iterable<Input>,
  arrivals: readonly number[],
  { signal, clock = systemClock }: ScenarioOptions = {},
): Promise<number[]> {
  const started = clock.now();
  async function* onSchedule(): AsyncGenerator<Input> {
    let next = 0;
    for (const image of images) {
      if (next === arrivals.length) return;
      await waitUntil(started + arrivals[next++]!, clock, signal);
      yield image;
    }
  }
  const latencies: number[] = [];
  for await (const _ of answers(system, onSchedule(), signal)) {
    latencies.push(clock.now() - started - arrivals[latencies.length]!);
  }
  return latencies;
}

/** Waits for a moment, and never less: timers may fire a little early. */
async function waitUntil(moment: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  for (let early = moment - clock.now(); early > 0; early = moment - clock.now()) await clock.sleep(early, signal);
}

/** The system's answers; throws the error of the first input that got none, since a failure costs no time. */
async function* answers(system: System, inputs: Inputs, signal: AbortSignal | undefined): AsyncGenerator<object> {
  for await (const outcome of system.run(inputs, signal === undefined ? {} : { signal })) {
    if (isFailure(outcome)) throw outcome.error;
    yield outcome;
  }
}
