// Runs a known image on WebGPU and on the CPU and prints the largest difference of each output, relative to its largest value.
import { createSession } from '../../server/infrastructure/onnx/inference-session.ts';
import { loadModel } from '../../server/infrastructure/onnx/model-file.ts';
import { goldenImage } from '../../server/infrastructure/onnx/self-test.ts';
import { Tensor } from 'onnxruntime-node';

const { bytes, description } = await loadModel(process.argv[2]!);
const names = ['probabilities', 'logits', 'gradcam', 'gate', 'distance'];
const { width, height } = description.preprocessing;
const image = () => new Tensor('uint8', goldenImage(1, width), [1, height, width, 3]);
const own = new Uint8Array(bytes);
const onCpu = await (await createSession(own, 'cpu')).run({ [description.input.name]: image() }, names);
const gpu = await createSession(own, 'webgpu');
const begun = performance.now();
const onGpu = await gpu.run({ [description.input.name]: image() }, names);
const milliseconds = performance.now() - begun;
const differences = Object.fromEntries(
  names.map((name) => {
    const [one, other] = [onCpu[name]!.data as Float32Array, onGpu[name]!.data as Float32Array];
    const largest = Math.max(1, ...one.map(Math.abs));
    return [name, Math.max(...one.map((value, i) => Math.abs(value - other[i]!))) / largest];
  }),
);
process.stdout.write(`${JSON.stringify({ provider: 'webgpu', milliseconds, differences })}\n`);
process.exit(0);
