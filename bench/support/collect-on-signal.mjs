/** Preloaded into the UI that is measured, with --expose-gc: memory is comparable only after a collection. */
process.on('SIGUSR2', () => globalThis.gc());
