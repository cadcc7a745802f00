import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ExternalRange } from "./decode.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "./graph.ts";
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from "./proto/onnx_pb.ts";
import { elementTypes, type Tensor } from "./tensor.ts";

/** Says where a constant's bytes lie in another file; undefined keeps them in the model. */
export type PlaceExternal = (tensor: Tensor, name: string) => ExternalRange | undefined;

/**
 * Encodes a model as the bytes of an ONNX file; the same model gives the same bytes.
 *
 * @param external moves constants of the graph to another file, which the caller writes
 */
export function encodeModel(model: Model, external: PlaceExternal = () => undefined): Uint8Array {
  const message = create(ModelProtoSchema, {
    irVersion: BigInt(model.irVersion),
    producerName: model.producer,
    opsetImport: [["", model.opset] as const, ...model.otherOpsets].map(([domain, version]) => ({
      domain,
      version: BigInt(version),
    })),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
    graph: new GraphWriter(external).graph(model.graph),
  });
  return toBinary(ModelProtoSchema, message);
}

/** Turns the graph of `graph.ts` into protobuf messages. */
class GraphWriter {
  readonly #external: PlaceExternal;

  constructor(external: PlaceExternal) {
    this.#external = external;
  }

  graph(graph: Graph): MessageInitShape<typeof GraphProtoSchema> {
    return {
      name: graph.name,
      input: graph.inputs.map(valueProto),
      output: graph.outputs.map(valueProto),
      node: graph.nodes.map((node) => this.node(node)),
      initializer: [...graph.constants].map(([name, tensor]) => this.constant(tensor, name)),
      valueInfo: [...graph.values.values()].map(valueProto),
    };
  }

  node(node: Node): MessageInitShape<typeof NodeProtoSchema> {
    return {
      name: node.name,
      opType: node.op,
      domain: node.domain,
      input: node.inputs,
      output: node.outputs,
      attribute: [...node.attributes].map(([name, attribute]) => this.attribute(name, attribute)),
    };
  }

  attribute(name: string, attribute: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
    switch (attribute.kind) {
      case "int":
        return { name, type: AttributeType.INT, i: toInt64(attribute.value) };
      case "float":
        return { name, type: AttributeType.FLOAT, f: attribute.value };
      case "string":
        return { name, type: AttributeType.STRING, s: utf8(attribute.value) };
      case "tensor":
        return { name, type: AttributeType.TENSOR, t: tensorProto(attribute.value, "") };
      case "graph":
        return { name, type: AttributeType.GRAPH, g: this.graph(attribute.value) };
      case "ints":
        return { name, type: AttributeType.INTS, ints: attribute.value.map(toInt64) };
      case "floats":
        return { name, type: AttributeType.FLOATS, floats: [...attribute.value] };
      default:
        return { name, type: AttributeType.STRINGS, strings: attribute.value.map(utf8) };
    }
  }

  constant(tensor: Tensor, name: string): MessageInitShape<typeof TensorProtoSchema> {
    const range = this.#external(tensor, name);
    return range === undefined ? tensorProto(tensor, name) : externalProto(tensor, name, range);
  }
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Numbers cannot hold INT64_MAX exactly: the nearest double is one too large. */
function toInt64(value: number): bigint {
  const integer = BigInt(value);
  return BigInt.asIntN(64, integer) === integer ? integer : 2n ** 63n - 1n;
}

const header = (tensor: Tensor, name: string) => ({
  name,
  dataType: elementTypes[tensor.type].code,
  dims: tensor.dims.map(BigInt),
});

function tensorProto(tensor: Tensor, name: string): MessageInitShape<typeof TensorProtoSchema> {
  return { ...header(tensor, name), rawData: bytesOf(tensor) };
}

function externalProto(tensor: Tensor, name: string, range: ExternalRange): MessageInitShape<typeof TensorProtoSchema> {
  const { location, offset, length = tensor.data.byteLength } = range;
  const entries = Object.entries({ location, offset: String(offset), length: String(length) });
  return {
    ...header(tensor, name),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: entries.map(([key, value]) => ({ key, value })),
  };
}

/** A view of a tensor's elements as little-endian bytes. */
export function bytesOf(tensor: Tensor): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function valueProto(value: ValueInfo): MessageInitShape<typeof ValueInfoProtoSchema> {
  const elemType = elementTypes[value.type].code;
  const tensorType = value.shape === undefined ? { elemType } : { elemType, shape: { dim: value.shape.map(dimProto) } };
  return { name: value.name, type: { value: { case: "tensorType", value: tensorType } } };
}

function dimProto(dim: number | string | undefined) {
  if (typeof dim === "number") return { value: { case: "dimValue" as const, value: BigInt(dim) } };
  return dim === undefined ? {} : { value: { case: "dimParam" as const, value: dim } };
}
