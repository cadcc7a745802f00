import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LaneError } from "../../src/errors.ts";
import type { Isolation, Lane, LaneKind, Network, NetworkName } from "../../src/lanes/index.ts";
import { openLane } from "../../src/lanes/index.ts";
import { classifier, modelFolder, randomBytes, storeNetwork, storePair } from "../support/models.ts";
import { referenceLogits } from "../support/reference.ts";

/** What tells one lane from another in the suite. */
export interface LaneCase {
  readonly kind: LaneKind;
  readonly isolation: Isolation;
  /** Largest difference from the logits of ONNX Runtime's CPU provider. */
  readonly tolerance: number;
  /** Milliseconds that a case may take; a software adapter is slow. */
  readonly timeout?: number;
}

/** The cases that every lane passes, whatever it is. */
export function laneSuite({ kind, isolation, tolerance, timeout = 30_000 }: LaneCase): void {
  describe(`a ${kind} lane in a ${isolation}`, { timeout }, () => {
    let folder: string;
    let networks: Network[];
    const open = (names: readonly NetworkName[], from = networks): Promise<Lane> =>
      openLane({ kind, networks: names, threads: 1 }, from, { isolation });

    beforeAll(() => {
      folder = modelFolder();
      networks = storePair(folder);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it("gives the logits of the network asked for, at any batch size", async () => {
      await using lane = await open(["compressed", "original"]);
      for (const count of [1, 3, 16])
        for (const network of networks) await expectReference(lane, network, count, tolerance);
    });

    it("takes floats as they are", async () => {
      await using lane = await open(["compressed"]);
      const bytes = randomBytes(2 * 192, 5);
      const floats = Float32Array.from(bytes, (byte) => byte / 255 - 0.5);
      const fromFloats = await lane.run("compressed", { count: 2, pieces: [floats] });
      const fromBytes = await lane.run("compressed", { count: 2, pieces: [bytes] });
      expect(fromFloats.logits).toEqual(fromBytes.logits);
    });

    it("turns planes around for a network that reads NHWC", async () => {
      const nhwc = storeNetwork(`${folder}/nhwc`, "original", classifier({ seed: 7, layout: "NHWC" }), {
        layout: "NHWC",
      });
      const nchw = storeNetwork(`${folder}/nchw`, "original", classifier({ seed: 7 }));
      await using lane = await open(["original"], [nhwc]);
      await expectReference(lane, nchw, 3, tolerance);
    });

    it("runs a model of fixed batch on fewer and on more images", async () => {
      const fixed = storeNetwork(`${folder}/fixed`, "compressed", classifier({ seed: 1, batch: 4 }), { fixedBatch: 4 });
      await using lane = await open(["compressed"], [fixed]);
      for (const count of [1, 4, 9])
        await expectReference(lane, { ...fixed, file: networks[0]!.file }, count, tolerance);
    });

    it("answers batches asked for ahead, in their order", async () => {
      await using lane = await open(["compressed"]);
      const ask = (seed: number) => lane.run("compressed", { count: 1, pieces: [randomBytes(192, seed)] });
      const results = await Promise.all([1, 2, 3, 4].map(ask));
      for (const [i, result] of results.entries()) {
        expect(result.finished).toBeGreaterThanOrEqual(result.started);
        if (i > 0) expect(result.started).toBeGreaterThanOrEqual(results[i - 1]!.finished);
      }
    });

    it("lives on after a batch that the runtime refuses", async () => {
      await using lane = await open(["compressed"]);
      const wrong = lane.run("compressed", { count: 1, pieces: [new Float32Array(17)] });
      await expect(wrong).rejects.toThrow(LaneError);
      await expectReference(lane, networks[0]!, 2, tolerance);
    });

    it("refuses a batch of bytes and floats, and lives on", async () => {
      await using lane = await open(["compressed"]);
      const pieces = [new Uint8Array(192), new Float32Array(192)];
      await expect(lane.run("compressed", { count: 2, pieces })).rejects.toThrow(/give pieces of one type/);
      await expectReference(lane, networks[0]!, 2, tolerance);
    });

    it("refuses a network that it does not run", async () => {
      await using lane = await open(["compressed"]);
      const run = lane.run("original", { count: 1, pieces: [new Uint8Array(192)] });
      await expect(run).rejects.toThrow(/does not run "original"; it runs compressed/);
    });

    it("closes in mid-run: the batch in progress is answered, the rest is dropped, nothing runs after", async () => {
      const lane = await open(["original"]);
      const runs = Array.from({ length: 20 }, () =>
        lane.run("original", { count: 64, pieces: [new Uint8Array(64 * 192)] }),
      );
      const settled = Promise.allSettled(runs);
      await Promise.all([lane.close(), lane.close()]);
      expect(await lane.ended).toEqual({ kind: "closed" });
      const outcomes = (await settled).map(({ status }) => status);
      expect(outcomes).toContain("rejected");
      expect(outcomes).toEqual(outcomes.toSorted());
      await expect(lane.run("original", { count: 1, pieces: [new Uint8Array(192)] })).rejects.toThrow(/closed/);
    });

    it("names the network and the file that it cannot load", async () => {
      const missing = { ...networks[0]!, file: `${folder}/missing.onnx` };
      await expect(open(["compressed"], [missing])).rejects.toThrow(/network "compressed" .*missing\.onnx/);
      const misnamed = { ...networks[0]!, output: { name: "scores", classes: 4 } };
      await expect(open(["compressed"], [misnamed])).rejects.toThrow(/no output "scores"; the model has logits/);
    });
  });
}

async function expectReference(lane: Lane, network: Network, count: number, tolerance: number): Promise<void> {
  const data = randomBytes(count * 192, count);
  const expected = await referenceLogits(network, data);
  const { logits } = await lane.run(network.name, { count, pieces: [data] });
  expect(logits.length).toBe(expected.length);
  expect(Math.max(...logits.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThanOrEqual(tolerance);
}
