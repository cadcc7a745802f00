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
import { addition, concatenation } from "../../../src/compress/ternary/integer-form/joining.ts";
import { pack, packedSize, unpack } from "../../../src/compress/ternary/integer-form/packed.ts";
import { average } from "../../../src/compress/ternary/integer-form/pooling.ts";
import type { CodedValue, Codes } from "../../../src/compress/ternary/integer-form/types.ts";
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

type Three = [CodedValue, CodedValue, CodedValue];

/** Scales and zero points of two values and of what is made of them. */
const meanings = [
  [
    [0.0374676026, 128],
    [0.0220189523, 0],
    [0.0342016146, 0],
  ],
  [
    [0.0131, 128],
    [0.0407, 128],
    [0.0293, 128],
  ],
] as const;

const coded = ([scale, zeroPoint]: readonly [number, number], shape: readonly number[]): CodedValue => ({
  shape,
  scale: Math.fround(scale),
  zeroPoint,
});

/** What ONNX Runtime makes of codes by one operator between DequantizeLinear and QuantizeLinear. */
async function byRuntime(
  inputs: readonly Codes[],
  output: CodedValue,
  shape: readonly number[],
  operator: (b: GraphBuilder, names: string[]) => string,
): Promise<Uint8Array> {
  const b = new GraphBuilder("one-operator");
  const meaning = ({ scale, zeroPoint }: CodedValue): string[] => [
    b.constant(scalar(scale)),
    b.constant({ type: "uint8", dims: [], data: Uint8Array.of(zeroPoint) }),
  ];
  const names = inputs.map((value, i) =>
    b.op("DequantizeLinear", [b.input(`input${i}`, "uint8", [...shape]), ...meaning(value)]),
  );
  const made = b.op("QuantizeLinear", [operator(b, names), ...meaning(output)]);
  b.output(made, "uint8", [1, ...output.shape], "codes");
  const session = await openSession(modelOf(b.graph));
  const feeds = inputs.map(({ data }, i) => [`input${i}`, new Tensor("uint8", data, [...shape])] as const);
  const { codes } = await session.run(Object.fromEntries(feeds));
  await session.release();
  return codes!.data as Uint8Array;
}

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

  test.each(meanings)("adds every pair of codes as ONNX Runtime does (%j, %j, %j)", async (...meanings) => {
    const shape = [1, 256, 16, 16];
    const [left, right, output] = meanings.map((meaning) => coded(meaning, shape.slice(1))) as Three;
    const a = { ...left, data: Uint8Array.from({ length: 65_536 }, (_, i) => i >> 8) };
    const c = { ...right, data: Uint8Array.from({ length: 65_536 }, (_, i) => i & 255) };
    const sums = await byRuntime([a, c], output, shape, (b, names) => b.op("Add", names));
    expect(addition(a, c, output)).toEqual(sums);
  });

  test.each(meanings)("concatenates every code as ONNX Runtime does (%j, %j, %j)", async (...meanings) => {
    const [left, right] = meanings.map((meaning) => coded(meaning, [2, 8, 16])) as Three;
    const output = coded(meanings[2], [4, 8, 16]);
    const a = { ...left, data: Uint8Array.from({ length: 256 }, (_, i) => i) };
    const c = { ...right, data: a.data };
    const layer = { kind: "concatenation", name: "", inputs: [], output: "", axis: 0 } as const;
    const joined = await byRuntime([a, c], output, [1, 2, 8, 16], (b, names) => b.op("Concat", names, { axis: 1 }));
    expect(concatenation(layer, [a, c], output)).toEqual(joined);
  });

  test.each(meanings.flatMap(([input, , output]) => [0, 1].map((counted) => [input, output, counted] as const)))(
    "averages windows as ONNX Runtime does (%j, %j, over padding: %i)",
    async (from, to, counted) => {
      const input = coded(from, [16, 32, 32]);
      const output = coded(to, [16, 16, 16]);
      const a = { ...input, data: Uint8Array.from({ length: 16_384 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24) };
      const attributes = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0], count_include_pad: counted };
      const means = await byRuntime([a], output, [1, 16, 32, 32], (b, names) => b.op("AveragePool", names, attributes));
      const window = { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [1, 1] };
      const layer = { kind: "average", name: "", input: "", output: "", window, overPadding: counted === 1 } as const;
      expect(average(layer, a, output)).toEqual(means);
    },
  );

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
    await refused(text.replace('"1.1"', '"2.1"'), /schema version 2\.1, this twindnn reads 1\.1/);
    await refused(text.replace('"mean"', '"median"'), /is no integer form/);
    await refused(text.replace(/"output": "logits"/, '"output": "answers"'), /no layer makes "answers"/);
    writeFileSync(`${path}.bin`, new Uint8Array(8));
    await refused(text, /damaged\.bin: is not what .*damaged\.json describes/);
  });

  test("of a float network is refused, with the node", () => {
    expect(() => integerForm(tinyNetwork())).toThrow(/operator Conv \(node "stage0\.conv"\).*the image in float32/);
  });
});
