/** The versions that models of ours are written in: the one place. onnxruntime 1.30 runs IR <= 13 and opset 7-26. */
export const onnxVersions = { ir: 8, opset: 21, microsoftOpset: 1 } as const;
