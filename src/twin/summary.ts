import type { Manifest } from "./manifest.ts";

const sizeOf = ({ macs, parameters, bytes }: Manifest["networks"]["original"]) => ({ macs, parameters, bytes });

/** What reports say of a twin: its networks' sizes, confidence, threshold and recipe. */
export function summaryOf(name: string, { networks, confidence, threshold, compression }: Manifest) {
  return {
    name,
    networks: {
      original: sizeOf(networks.original),
      compressed: sizeOf(networks.compressed),
      ...(networks["original-int8"] && { "original-int8": sizeOf(networks["original-int8"]) }),
    },
    confidence: confidence.measure,
    ...(threshold !== undefined && { threshold }),
    ...(compression && { recipe: compression.recipe }),
  };
}
