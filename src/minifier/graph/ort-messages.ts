/**
 * onnxruntime's messages with everything masked that changes while a model shrinks: names of values and nodes, numbers,
 * and the place in its sources.
 */
import { maskMessage } from '../verdict.ts';

/** `relu_clip_fusion.cc:83 virtual onnxruntime::common::Status onnxruntime::FuseReluClip::Apply(...) const ` */
const sourcePlace = /\/\S*?([\w.-]+\.(?:cc|cpp|h|hpp|cu)):\d+ /g;
const signatureText =
  /(?:virtual |static |void |const )*(?:onnxruntime|std)::\S+ (?:[\w:<>~]+)\((?:[^()]|\([^()]*\))*\)(?: const)? ?/g;
/** Constructors, and what a template stands for. */
const constructorText = /onnxruntime::[\w:<>~]+\((?:[^()]|\([^()]*\))*\)(?: const)? ?(?:\[with [^\]]*\] ?)?/g;
const failedLoad = /^Load model from \S+ failed:/;

/** One line for people: without paths of the machine that built onnxruntime and without C++ signatures. */
export function readableMessage(message: string): string {
  return message
    .split('\n', 1)[0]!
    .replace(failedLoad, '')
    .replaceAll(sourcePlace, '$1: ')
    .replaceAll(signatureText, '')
    .replaceAll(constructorText, '')
    .replace(/^Exception during initialization: /, '')
    .trim();
}

/** A node inside an If, Loop or Scan fails as it does outside. */
const around =
  /Non-zero status code returned while running (?:If|Loop|Scan) node\. Name:'[^']*' Status Message: (?=Non-zero status)/g;

/** Equal for the same failure of two sizes of a model. */
export function maskedMessage(message: string): string {
  const text = readableMessage(message)
    .replaceAll(around, '')
    .replaceAll(/\b(Missing Input: )\S+/g, '$1<name>')
    .replaceAll(/'[^']*'/g, "'<name>'")
    .replaceAll(/"[^"]*"/g, '"<name>"')
    .replaceAll(/\b([Nn]ode) ?\([^()]*\)/g, '$1 (<name>)')
    .replaceAll(/\bNode:\S+/g, 'Node:<name>')
    .replaceAll(/\{[-\d, ]*\}/g, '{#}');
  return maskMessage(text);
}
