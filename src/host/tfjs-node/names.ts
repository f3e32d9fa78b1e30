/** Package names that the stand-in answers. */
const tfjsNodePackage = /^@tensorflow\/tfjs-node(?:-gpu)?\/?$/;

export function isTfjsNode(request: string): boolean {
  return tfjsNodePackage.test(request);
}
