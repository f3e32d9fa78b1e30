/**
 * onnxruntime 1.29 and later reports each process and session to its makers from Linux and macOS, too: it keeps a device id
 * and a database in the user's cache folder (`:memory:.ses` in the working directory where it has none) and uploads from
 * threads of its own. The only complete way to decline is this variable, read once when the library is initialized.
 * Source: https://github.com/microsoft/onnxruntime/pull/27379
 */
const variable = 'ORT_DISABLE_TELEMETRY';

/**
 * Initializes onnxruntime such that it reports nothing; who set the variable decides otherwise. The program does not see
 * it afterwards. Of no effect in a worker thread that is the first to initialize: its environment is a copy.
 */
export function withoutTelemetry(initialize: () => void): void {
  if (process.env[variable] !== undefined) return initialize();
  process.env[variable] = '1';
  try {
    initialize();
  } finally {
    delete process.env[variable];
  }
}
