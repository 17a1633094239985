/**
 * Which renderer a browser can bear. Software WebGL draws a stack at 8 pictures a second where the CPU
 * path draws 54, so WebGL is used on real graphics hardware only.
 */
export interface GraphicsFacts {
  webgl: boolean;
  /** WebGL is emulated on the CPU (SwiftShader, llvmpipe). */
  softwareRasterizer: boolean;
  renderer: string;
}

export interface Backend {
  kind: 'gpu' | 'cpu';
  reason: 'graphics-hardware' | 'software-webgl' | 'no-webgl';
  renderer: string;
}

export function chooseBackend(facts: GraphicsFacts): Backend {
  if (!facts.webgl) return { kind: 'cpu', reason: 'no-webgl', renderer: '' };
  return facts.softwareRasterizer
    ? { kind: 'cpu', reason: 'software-webgl', renderer: facts.renderer }
    : { kind: 'gpu', reason: 'graphics-hardware', renderer: facts.renderer };
}
