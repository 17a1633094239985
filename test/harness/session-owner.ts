// A process that serves one model and says which process runs it, to be killed.
import { startClassifier } from '../../server/infrastructure/onnx/classifier.ts';
import { sessionProcesses } from './session-processes.ts';

await startClassifier({ folder: process.argv[2]!, providers: ['cpu'], workers: 1 });
process.stdout.write(`${sessionProcesses()[0]}\n`);
