import { UnsupportedOperatorError } from "../../../errors.ts";
import {
  consumers,
  inferValues,
  type Model,
  type Node,
  producers,
  sizeOf,
  type Tensor,
  toNumbers,
} from "../../../onnx/index.ts";
import type { CodedValue } from "./types.ts";

/** Constant codes with a scale for each channel. */
export interface CodedConstant {
  readonly codes: Tensor;
  readonly scales: readonly number[];
}

/** Reads a QDQ model: which values are codes, and what these mean. Values bear the names of their codes. */
export class Coded {
  readonly model: Model;
  readonly values = new Map<string, CodedValue>();
  /** The codes of the image. */
  readonly input: string;
  readonly #makers: Map<string, Node>;
  readonly #readers: Map<string, Node[]>;
  readonly #shapes: ReturnType<typeof inferValues>;

  constructor(model: Model) {
    this.model = model;
    this.#makers = producers(model.graph);
    this.#readers = consumers(model.graph);
    this.#shapes = inferValues(model, { lenient: true });
    const [quantiser] = this.#readers.get(model.graph.inputs[0]!.name) ?? [];
    if (quantiser?.op !== "QuantizeLinear")
      throw this.refused(quantiser ?? model.graph.nodes[0]!, "it reads the image in float32");
    this.input = this.#declare(quantiser, quantiser.outputs[0]!, quantiser);
  }

  /** The codes that a node reads, dequantised, as its input `at`. */
  read(node: Node, at: number): string {
    const name = node.inputs[at] ?? "";
    if (this.values.has(name)) return name;
    const maker = this.#makers.get(name);
    if (maker?.op === "DequantizeLinear" && this.values.has(maker.inputs[0]!)) return maker.inputs[0]!;
    throw this.refused(node, `its input "${name}" is float32`);
  }

  /** The codes that a node's result becomes; undefined where it stays float32. */
  make(node: Node): string | undefined {
    const [output] = node.outputs as [string];
    const [reader, ...others] = this.#readers.get(output) ?? [];
    if (reader?.op !== "QuantizeLinear" || others.length > 0) return undefined;
    return this.#declare(node, reader.outputs[0]!, reader);
  }

  /** The codes that a node moves. */
  move(node: Node): string {
    const from = this.values.get(this.read(node, 0))!;
    const [output] = node.outputs as [string];
    this.values.set(output, { ...from, shape: this.#shapeOf(node, output) });
    return output;
  }

  /** The constant that a node reads, dequantised, as its input `at`; undefined where there is none. */
  constant(node: Node, at: number): CodedConstant | undefined {
    const maker = this.#makers.get(node.inputs[at] ?? "");
    const codes = this.#stored(maker?.inputs[0]);
    const scales = this.#stored(maker?.inputs[1]);
    if (maker?.op !== "DequantizeLinear" || codes === undefined || scales === undefined) return undefined;
    return { codes, scales: toNumbers(scales) };
  }

  /** The integers of a constant input; undefined where it is absent. */
  integers(node: Node, at: number): number[] | undefined {
    if (!node.inputs[at]) return undefined;
    const stored = this.#stored(node.inputs[at]);
    if (stored === undefined) throw this.refused(node, `its input ${at} is computed`);
    return toNumbers(stored);
  }

  refused({ op, name }: Node, reason: string): UnsupportedOperatorError {
    return new UnsupportedOperatorError(op, name, `has no integer form: ${reason}`);
  }

  #declare(node: Node, codes: string, { inputs }: Node): string {
    const [scale, zeroPoint] = [this.#stored(inputs[1]), this.#stored(inputs[2])];
    if (scale === undefined || zeroPoint?.type !== "uint8" || sizeOf(scale.dims) !== 1) {
      throw this.refused(node, `"${codes}" has not one scale and zero point for codes 0..255`);
    }
    const shape = this.#shapeOf(node, codes);
    this.values.set(codes, { shape, scale: Number(scale.data[0]), zeroPoint: Number(zeroPoint.data[0]) });
    return codes;
  }

  #stored(name: string | undefined): Tensor | undefined {
    return this.model.graph.constants.get(name ?? "");
  }

  /** Sizes for one image. */
  #shapeOf(node: Node, name: string): number[] {
    const sizes = this.#shapes.get(name)?.shape?.slice(1);
    if (sizes?.every((size) => typeof size === "number")) return sizes;
    throw this.refused(node, `the shape of "${name}" is not known`);
  }
}
