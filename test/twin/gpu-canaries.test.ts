// Needs a GPU, or a software adapter: "npm run test:webgpu".
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openImages } from "../../src/data/index.ts";
import { availableLanes, type Plan } from "../../src/lanes/index.ts";
import { sha256Of } from "../../src/twin/hash.ts";
import { calibrateTwin, pairTwin, Twin } from "../../src/twin/index.ts";
import { labels, preprocessing, scratch, writeImages, writePair } from "../support/twins.ts";

const webgpu = (await availableLanes()).find(({ kind }) => kind === "webgpu")!;
const { path: folder, remove } = scratch();
afterAll(remove);

const plan: Plan = {
  lanes: [{ kind: "webgpu", networks: ["compressed", "original"], threads: 1 }],
  batch: { compressed: 8, original: 8 },
  idleTakesFresh: false,
  isolation: "thread",
};

it.skipIf(!webgpu.available)(
  "a plan with a GPU is held to the canaries, on the machine that calibrated too",
  { timeout: 300_000 },
  async () => {
    const path = join(folder, "twin");
    await pairTwin({ ...writePair(folder), preprocessing, labels, output: path });
    const images = await openImages(await writeImages(join(folder, "images"), 400));
    const promise = { kind: "agreement", tolerance: 0.2, probability: 0.95 } as const;
    const { manifest } = await calibrateTwin(path, images, { promise });
    await (await Twin.load(path, { plan })).dispose();
    const bytes = readFileSync(join(path, "canaries.bin"));
    bytes.writeFloatLE(1000, bytes.length - 4 * labels.length * 2 * 64);
    writeFileSync(join(path, "canaries.bin"), bytes);
    const changed = { ...manifest, canaries: { ...manifest.canaries, sha256: sha256Of(bytes) } };
    writeFileSync(join(path, "twin.json"), JSON.stringify(changed));
    await (await Twin.load(path)).dispose();
    await expect(Twin.load(path, { plan })).rejects.toThrow(/by webgpu lanes, its answers differ/);
  },
);
