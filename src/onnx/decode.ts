import { fromBinary } from "@bufbuild/protobuf";
import { ModelError } from "../errors.ts";
import type { Attribute, Dim, Graph, Model, Node, ValueInfo } from "./graph.ts";
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type ValueInfoProto,
} from "./proto/onnx_pb.ts";
import { type ElementType, elementTypeOf, elementTypes, sizeOf, type Tensor, type TensorData } from "./tensor.ts";

/** Where in another file a tensor's bytes lie; without a length they reach to its end. */
export interface ExternalRange {
  readonly tensor: string;
  /** The file's path, relative to the model's folder, as the model says it. */
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

/** Gives the bytes of a weight file that a model names. */
export type ReadExternal = (range: ExternalRange) => Uint8Array;

/** From this format version on constants need not be listed among the inputs; older models are read as this one. */
const oldestIrVersion = 4;

/** Decodes an ONNX model; `external` reads weights that lie in other files. Throws ModelError. */
export function decodeModel(bytes: Uint8Array, external: ReadExternal = refuseExternal): Model {
  const proto = parse(bytes);
  if (proto.graph === undefined) throw new ModelError("holds no graph; is it an ONNX model?");
  const opsets = new Map(
    proto.opsetImport.map((set) => [set.domain === "ai.onnx" ? "" : set.domain, Number(set.version)]),
  );
  const opset = opsets.get("");
  if (opset === undefined) throw new ModelError("names no version of the ONNX operator set; export it again");
  if (proto.functions.length > 0) throw new ModelError("holds model-local functions; export it with them inlined");
  opsets.delete("");
  return {
    graph: new GraphReader(external).graph(proto.graph),
    opset,
    otherOpsets: opsets,
    irVersion: Math.max(oldestIrVersion, Number(proto.irVersion)),
    producer: proto.producerName,
    metadata: new Map(proto.metadataProps.map((entry) => [entry.key, entry.value])),
  };
}

function refuseExternal({ tensor }: ExternalRange): never {
  throw new ModelError(`tensor "${tensor}" lies in another file; read the model from its folder`);
}

function parse(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new ModelError("is not an ONNX model, or is truncated; export or copy it again", { cause });
  }
}

function elementType(code: number, where: string): ElementType {
  const type = elementTypeOf(code);
  if (type === undefined) throw new ModelError(`${where} has element type ${code}, which is not supported`);
  return type;
}

const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Turns protobuf messages into the graph of `graph.ts`. */
class GraphReader {
  readonly #readExternal: ReadExternal;

  constructor(readExternal: ReadExternal) {
    this.#readExternal = readExternal;
  }

  graph(proto: GraphProto): Graph {
    if (proto.sparseInitializer.length > 0) throw new ModelError("holds sparse weights, which are not supported");
    const constants = new Map(proto.initializer.map((tensor) => [tensor.name, this.tensor(tensor)]));
    const values = proto.valueInfo.map(valueInfo).filter((value) => value !== undefined);
    return {
      name: proto.name,
      inputs: proto.input.filter((input) => !constants.has(input.name)).map(requireTensor),
      outputs: proto.output.map(requireTensor),
      nodes: proto.node.map((node, index) => this.node(node, index)),
      constants,
      values: new Map(values.map((value) => [value.name, value])),
    };
  }

  node(proto: NodeProto, index: number): Node {
    const name = proto.name || `${proto.opType}_${index}`;
    const entries = proto.attribute.map((item) => [item.name, this.attribute(item, name)] as const);
    return {
      name,
      op: proto.opType,
      domain: proto.domain === "ai.onnx" ? "" : proto.domain,
      inputs: [...proto.input],
      outputs: [...proto.output],
      attributes: new Map(entries),
    };
  }

  attribute(proto: AttributeProto, node: string): Attribute {
    switch (proto.type) {
      case AttributeType.INT:
        return { kind: "int", value: Number(proto.i) };
      case AttributeType.FLOAT:
        return { kind: "float", value: proto.f };
      case AttributeType.STRING:
        return { kind: "string", value: utf8(proto.s) };
      case AttributeType.TENSOR:
        return { kind: "tensor", value: this.tensor(proto.t!) };
      case AttributeType.GRAPH:
        return { kind: "graph", value: this.graph(proto.g!) };
      case AttributeType.INTS:
        return { kind: "ints", value: proto.ints.map(Number) };
      case AttributeType.FLOATS:
        return { kind: "floats", value: [...proto.floats] };
      case AttributeType.STRINGS:
        return { kind: "strings", value: proto.strings.map(utf8) };
      default:
        throw new ModelError(
          `node "${node}": attribute "${proto.name}" has kind ${proto.type}, which is not supported`,
        );
    }
  }

  tensor(proto: TensorProto): Tensor {
    const type = elementType(proto.dataType, `tensor "${proto.name}"`);
    const dims = proto.dims.map(Number);
    const data = this.#elements(proto, type);
    if (data.length !== sizeOf(dims)) {
      throw new ModelError(
        `tensor "${proto.name}" has ${data.length} elements, its shape [${dims.join(",")}] wants ${sizeOf(dims)}`,
      );
    }
    return { type, dims, data };
  }

  #elements(proto: TensorProto, type: ElementType): TensorData {
    if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) return fromBytes(this.#external(proto), type);
    if (proto.rawData.length > 0) return fromBytes(proto.rawData, type);
    return fromFields(proto, type);
  }

  #external(proto: TensorProto): Uint8Array {
    const entry = new Map(proto.externalData.map((item) => [item.key, item.value]));
    const location = entry.get("location");
    if (location === undefined) throw new ModelError(`tensor "${proto.name}" names no file for its external data`);
    const [offset, length] = [entry.get("offset"), entry.get("length")];
    const range = { location, offset: Number(offset ?? 0), length: length === undefined ? undefined : Number(length) };
    return this.#readExternal({ tensor: proto.name, ...range });
  }
}

/** Copies little-endian bytes: protobuf views are seldom aligned. */
function fromBytes(bytes: Uint8Array, type: ElementType): TensorData {
  const { array, bytes: width } = elementTypes[type];
  if (bytes.length % width !== 0) throw new ModelError(`${bytes.length} bytes are no whole number of ${type} elements`);
  return new array(new Uint8Array(bytes).buffer);
}

function fromFields(proto: TensorProto, type: ElementType): TensorData {
  switch (type) {
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    case "uint64":
      return BigUint64Array.from(proto.uint64Data);
    case "uint32":
      return Uint32Array.from(proto.uint64Data, Number);
    default:
      return new elementTypes[type].array(proto.int32Data);
  }
}

function requireTensor(proto: ValueInfoProto): ValueInfo {
  const info = valueInfo(proto);
  if (info === undefined) throw new ModelError(`value "${proto.name}" is not a tensor`);
  return info;
}

function valueInfo(proto: ValueInfoProto): ValueInfo | undefined {
  if (proto.type?.value.case !== "tensorType") return undefined;
  const { elemType, shape } = proto.type.value.value;
  const type = elementTypeOf(elemType);
  if (type === undefined) return undefined;
  return { name: proto.name, type, shape: shape?.dim.map(dimension) };
}

function dimension(proto: { value: { case?: string | undefined; value?: bigint | string | undefined } }): Dim {
  if (proto.value.case === "dimValue") return Number(proto.value.value);
  return proto.value.case === "dimParam" && proto.value.value !== "" ? (proto.value.value as string) : undefined;
}
