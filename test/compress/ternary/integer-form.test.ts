import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { Tensor } from "onnxruntime-node";
import { afterAll, describe, expect, test } from "vitest";
import {
  integerForm,
  readIntegerForm,
  runIntegerForm,
  writeIntegerForm,
} from "../../../src/compress/ternary/integer-form/index.ts";
import { pack, packedSize, unpack } from "../../../src/compress/ternary/integer-form/packed.ts";
import { addition } from "../../../src/compress/ternary/integer-form/spatial.ts";
import type { CodedValue } from "../../../src/compress/ternary/integer-form/types.ts";
import { integerModel } from "../../../src/compress/ternary/integers.ts";
import { InputError } from "../../../src/errors.ts";
import { GraphBuilder, type Model, modelOf, scalar } from "../../../src/onnx/index.ts";
import { logitsOf } from "../../../src/train/index.ts";
import { openSession } from "../../../src/train/session.ts";
import { bars, tinyNetwork } from "../../train/tiny.ts";
import { everyLayer, inference, quantised, taughtBy } from "./networks.ts";

const folder = mkdtempSync(join(tmpdir(), "twindnn-integer-form-"));
afterAll(() => rmSync(folder, { recursive: true }));

const images = bars(60, 7);

/** The QDQ model of a network with quantisers as they start. */
async function untrained(network: Model): Promise<Model> {
  return integerModel(await quantised(network, await taughtBy(network, 128)));
}

const plain = await untrained(tinyNetwork());
const every = await untrained(everyLayer());

/** The network input of one image. */
const inputOf = (image: number): Float32Array =>
  Float32Array.from(
    images.images.subarray(64 * image, 64 * (image + 1)),
    (byte) => byte * inference.normalisation.scale[0]! + inference.normalisation.offset[0]!,
  );

describe("the integer form", () => {
  test.each([
    ["a residual network", plain],
    ["a network of every layer", every],
  ])("of %s gives the logits that ONNX Runtime gives, to the last accumulator", async (_, model) => {
    const logits = await logitsOf(model, images, inference);
    const form = integerForm(model);
    const own = [...images.labels.keys()].flatMap((image) => [...runIntegerForm(form, inputOf(image))]);
    const largest = Math.max(...logits.map(Math.abs));
    own.forEach((value, i) => {
      expect(Math.abs(value - logits[i]!)).toBeLessThan(1e-6 * largest);
    });
  });

  test.each([
    [0.0374676026, 128, 0.0220189523, 0, 0.0342016146, 0],
    [0.0131, 128, 0.0407, 128, 0.0293, 128],
  ])("adds every pair of codes as ONNX Runtime does (%f, %i, %f, %i, %f, %i)", async (...numbers) => {
    const coded = (at: number): CodedValue => ({
      shape: [65_536],
      scale: Math.fround(numbers[at]!),
      zeroPoint: numbers[at + 1]!,
    });
    const [left, right, output] = [coded(0), coded(2), coded(4)];
    const a = Uint8Array.from({ length: 65_536 }, (_, i) => i >> 8);
    const c = Uint8Array.from({ length: 65_536 }, (_, i) => i & 255);
    const b = new GraphBuilder("addition");
    const meaning = ({ scale, zeroPoint }: CodedValue): string[] => [
      b.constant(scalar(scale)),
      b.constant({ type: "uint8", dims: [], data: Uint8Array.of(zeroPoint) }),
    ];
    const x = b.op("DequantizeLinear", [b.input("a", "uint8", [65_536]), ...meaning(left)]);
    const y = b.op("DequantizeLinear", [b.input("c", "uint8", [65_536]), ...meaning(right)]);
    b.output(b.op("QuantizeLinear", [b.op("Add", [x, y]), ...meaning(output)]), "uint8", [65_536], "sum");
    const session = await openSession(modelOf(b.graph));
    const results = await session.run({ a: new Tensor("uint8", a, [65_536]), c: new Tensor("uint8", c, [65_536]) });
    await session.release();
    expect(addition({ ...left, data: a }, { ...right, data: c }, output)).toEqual(results.sum!.data);
  });

  test("has two bits for ternary weights, and eight for the first and last layer", () => {
    const { layers } = integerForm(plain);
    const bits = layers.flatMap((layer) => ("parameters" in layer ? [layer.parameters.bits] : []));
    expect(bits).toEqual([8, 2, 2, 2, 2, 2, 8]);
  });

  test("is the same once written and read", async () => {
    const form = integerForm(every);
    await writeIntegerForm(join(folder, "every"), form);
    expect(await readIntegerForm(join(folder, "every.json"))).toEqual(form);
  });

  test("packs codes four to a byte, whatever their number", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1, max: 1 })), (codes) => {
        const bytes = pack(Int8Array.from(codes), 2);
        expect(bytes).toHaveLength(packedSize(codes.length, 2));
        expect([...unpack(bytes, codes.length, 2)]).toEqual(codes);
      }),
    );
  });

  test("packs codes of eight bits as they are", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -128, max: 127 })), (codes) => {
        expect([...unpack(pack(Int8Array.from(codes), 8), codes.length, 8)]).toEqual(codes);
      }),
    );
  });

  test("is refused when its files do not belong together, or are of another kind", async () => {
    const path = join(folder, "damaged");
    await writeIntegerForm(path, integerForm(plain));
    const text = readFileSync(`${path}.json`, "utf8");
    const refused = async (contents: string, message: RegExp): Promise<void> => {
      writeFileSync(`${path}.json`, contents);
      await expect(readIntegerForm(`${path}.json`)).rejects.toThrow(InputError);
      await expect(readIntegerForm(`${path}.json`)).rejects.toThrow(message);
    };
    await refused("{", /is no JSON/);
    await refused(text.replace('"1.0"', '"2.0"'), /schema version 2\.0, this twindnn reads 1\.0/);
    await refused(text.replace('"mean"', '"median"'), /is no integer form/);
    await refused(text.replace(/"output": "logits"/, '"output": "answers"'), /no layer makes "answers"/);
    writeFileSync(`${path}.bin`, new Uint8Array(8));
    await refused(text, /damaged\.bin: is not what .*damaged\.json describes/);
  });

  test("of a float network is refused, with the node", () => {
    expect(() => integerForm(tinyNetwork())).toThrow(/operator Conv \(node "stage0\.conv"\).*the image in float32/);
  });
});
