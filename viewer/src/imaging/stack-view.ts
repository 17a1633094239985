/**
 * The reading viewport: a Cornerstone3D stack of one series in one element. It lives outside Vue, since
 * Cornerstone's objects must not become reactive (core clones them and fails on proxies); pages get plain
 * values through `onChange`.
 */
import {
  Enums,
  RenderingEngine,
  cache,
  eventTarget,
  imageLoader,
  init as initCore,
  type Types,
} from '@cornerstonejs/core';
import { getRenderingCapabilities } from '@cornerstonejs/core/utilities/renderingCapabilities';
import { init as initLoader, wadors } from '@cornerstonejs/dicom-image-loader';
import {
  Enums as ToolEnums,
  PanTool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
  addTool,
  init as initTools,
} from '@cornerstonejs/tools';
import type { TokenSource } from '../api/http.ts';
import { failureKind, RequestFailure } from '../api/failure.ts';
import { chooseBackend, type Backend } from './capabilities.ts';
import { frameUrl, type SeriesOfImages } from './series.ts';
import { rangeOf, windowOf, type Window } from './window.ts';

export interface ViewState {
  /** From 0. */
  index: number;
  count: number;
  /** Undefined for colour, where it has no meaning. */
  window: Window | undefined;
  /** 1 = the whole picture fits. */
  zoom: number;
  inverted: boolean;
  failure: RequestFailure | undefined;
}

export type DragTool = 'window' | 'pan' | 'zoom' | 'scroll';

export interface StackView {
  readonly backend: Backend;
  /** Resolves when the first picture is drawn. @throws RequestFailure */
  show(series: SeriesOfImages): Promise<void>;
  goTo(index: number): void;
  setWindow(window: Window): void;
  zoomBy(factor: number): void;
  /** Canvas pixels. */
  panBy(x: number, y: number): void;
  invert(): void;
  reset(): void;
  /** What dragging with the main button does; the wheel always scrolls. */
  use(tool: DragTool): void;
  close(): void;
}

const viewportId = 'reading';
const megabyte = 1024 * 1024;
let backend: Backend | undefined;

const toolNames: Record<DragTool, string> = {
  window: WindowLevelTool.toolName,
  pan: PanTool.toolName,
  zoom: ZoomTool.toolName,
  scroll: StackScrollTool.toolName,
};

/** Starts Cornerstone once a page load; the token source is asked again for every frame. */
function start(tokens: TokenSource): Backend {
  if (backend) return backend;
  backend = chooseBackend(getRenderingCapabilities());
  initCore({ rendering: { useCPURendering: backend.kind === 'cpu' }, debug: {} });
  initLoader({
    maxWebWorkers: Math.max(1, Math.min(4, (navigator.hardwareConcurrency ?? 2) - 1)),
    beforeSend: async () => ({ Authorization: `Bearer ${(await tokens.current()) ?? ''}` }),
  });
  initTools();
  cache.setMaxCacheSize(512 * megabyte);
  for (const tool of [WindowLevelTool, PanTool, ZoomTool, StackScrollTool]) addTool(tool);
  return backend;
}

let opened = 0;

export function openStackView(
  element: HTMLDivElement,
  base: string,
  tokens: TokenSource,
  onChange: (state: ViewState) => void,
): StackView {
  const chosen = start(tokens);
  opened += 1;
  const name = `reading-${opened}`;
  const engine = new RenderingEngine(name);
  engine.enableElement({ viewportId, element, type: Enums.ViewportType.STACK });
  const viewport = engine.getViewport(viewportId) as Types.IStackViewport;
  const tools = toolGroup(name);
  const stopListening = listen();
  const resized = new ResizeObserver(refit);
  resized.observe(element);

  let imageIds: string[] = [];
  let fittingZoom = 1;
  let failure: RequestFailure | undefined;
  let closed = false;
  let shown = 0;

  /** The picture keeps its zoom relative to the new size. Keeping the camera as it is fails on the CPU backend. */
  function refit(): void {
    const zoom = viewport.getZoom() / fittingZoom;
    engine.resize(true, false);
    if (imageIds.length === 0) return;
    fittingZoom = viewport.getZoom() || 1;
    if (Math.abs(zoom - 1) > 0.001) viewport.setZoom(zoom * fittingZoom);
    viewport.render();
  }

  function report(): void {
    if (closed || imageIds.length === 0) return;
    const { voiRange, invert } = viewport.getProperties();
    const color = viewport.getCornerstoneImage()?.color ?? false;
    onChange({
      index: viewport.getCurrentImageIdIndex(),
      count: imageIds.length,
      window: voiRange && !color ? windowOf(voiRange) : undefined,
      zoom: viewport.getZoom() / fittingZoom,
      inverted: invert ?? false,
      failure,
    });
  }

  function listen(): () => void {
    const failed = (event: Event) => {
      const { imageId, error } = (event as CustomEvent<{ imageId?: string; error?: unknown }>).detail;
      if (imageId === undefined || imageId !== viewport.getCurrentImageId()) return;
      failure = frameFailure(error);
      report();
    };
    const drawn = () => report();
    const arrived = () => {
      failure = undefined;
      report();
    };
    const { IMAGE_RENDERED, STACK_NEW_IMAGE, IMAGE_LOAD_ERROR, IMAGE_LOAD_FAILED } = Enums.Events;
    element.addEventListener(IMAGE_RENDERED, drawn);
    element.addEventListener(STACK_NEW_IMAGE, arrived);
    for (const type of [IMAGE_LOAD_ERROR, IMAGE_LOAD_FAILED]) eventTarget.addEventListener(type, failed);
    return () => {
      element.removeEventListener(IMAGE_RENDERED, drawn);
      element.removeEventListener(STACK_NEW_IMAGE, arrived);
      for (const type of [IMAGE_LOAD_ERROR, IMAGE_LOAD_FAILED]) eventTarget.removeEventListener(type, failed);
    };
  }

  return {
    backend: chosen,
    async show(series) {
      shown += 1;
      const turn = shown;
      failure = undefined;
      imageIds = registerImages(series, base);
      try {
        await viewport.setStack(imageIds, Math.floor((imageIds.length - 1) / 2));
      } catch (thrown) {
        throw frameFailure(thrown);
      }
      if (closed || turn !== shown) return;
      fittingZoom = viewport.getZoom() || 1;
      viewport.render();
      report();
      void prefetch(imageIds, viewport.getCurrentImageIdIndex(), () => closed || turn !== shown);
    },
    goTo(index) {
      const target = Math.min(Math.max(index, 0), imageIds.length - 1);
      if (target === viewport.getCurrentImageIdIndex()) return;
      void viewport.setImageIdIndex(target).catch((thrown: unknown) => {
        failure = frameFailure(thrown);
        report();
      });
    },
    setWindow(window) {
      viewport.setProperties({ voiRange: rangeOf(window) });
      viewport.render();
    },
    zoomBy(factor) {
      viewport.setZoom(Math.min(Math.max(viewport.getZoom() * factor, fittingZoom / 4), fittingZoom * 40));
      viewport.render();
    },
    panBy(x, y) {
      const [fromX, fromY] = viewport.getPan();
      viewport.setPan([fromX + x, fromY + y]);
      viewport.render();
    },
    invert() {
      viewport.setProperties({ invert: !(viewport.getProperties().invert ?? false) });
      viewport.render();
    },
    reset() {
      viewport.resetCamera();
      viewport.resetProperties();
      viewport.render();
    },
    use(tool) {
      for (const other of Object.values(toolNames)) tools.setToolPassive(other, { removeAllBindings: true });
      activate(tools, tool);
    },
    close() {
      closed = true;
      resized.disconnect();
      stopListening();
      ToolGroupManager.destroyToolGroup(name);
      engine.destroy();
      // An image that arrives later is still drawn by the library, without an engine to draw with.
      viewport.render = () => undefined;
    },
  };

  function toolGroup(id: string): ToolGroup {
    const group = ToolGroupManager.createToolGroup(id);
    if (!group) throw new Error('The tool group exists already.');
    for (const tool of Object.values(toolNames)) group.addTool(tool);
    group.addViewport(viewportId, id);
    activate(group, 'window');
    return group;
  }
}

type ToolGroup = NonNullable<ReturnType<typeof ToolGroupManager.createToolGroup>>;

/** Main button: the chosen tool. Middle pans, right zooms, wheel scrolls, two fingers zoom and pan. */
function activate(group: ToolGroup, chosen: DragTool): void {
  const { MouseBindings } = ToolEnums;
  const bindings: Record<DragTool, { mouseButton?: number; numTouchPoints?: number }[]> = {
    window: [],
    pan: [{ mouseButton: MouseBindings.Auxiliary }],
    zoom: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
    scroll: [{ mouseButton: MouseBindings.Wheel }],
  };
  bindings[chosen].push({ mouseButton: MouseBindings.Primary });
  for (const [tool, bound] of Object.entries(bindings) as [DragTool, { mouseButton?: number }[]][]) {
    if (bound.length > 0) group.setToolActive(toolNames[tool], { bindings: bound });
  }
}

/** Cornerstone finds a frame's attributes by its image id. */
function registerImages(series: SeriesOfImages, base: string): string[] {
  const byInstance = new Map(series.instances.map((instance) => [instance['00080018']?.Value?.[0], instance]));
  return series.frames.map((address) => {
    const imageId = `wadors:${frameUrl(base, address)}`;
    const metadata = byInstance.get(address.SOPInstanceUID);
    if (metadata) wadors.metaDataManager.add(imageId, metadata as never);
    return imageId;
  });
}

/** Loads the other pictures, nearest first, so that scrolling does not wait; stops when the series changes. */
async function prefetch(imageIds: string[], from: number, stopped: () => boolean): Promise<void> {
  const order = imageIds
    .map((id, index) => ({ id, distance: Math.abs(index - from) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(1, 400);
  const next = order.values();
  const lane = async () => {
    for (const { id } of next) {
      if (stopped()) return;
      await imageLoader
        .loadAndCacheImage(id, { requestType: Enums.RequestType.Prefetch, priority: 10 } as never)
        .catch(() => undefined); // Shown when the user comes to that picture.
    }
  };
  await Promise.all([lane(), lane(), lane()]);
}

/** The loader rejects with the XMLHttpRequest, or with whatever a codec threw. */
export function frameFailure(thrown: unknown): RequestFailure {
  if (thrown instanceof RequestFailure) return thrown;
  const request =
    thrown instanceof XMLHttpRequest ? thrown : (thrown as { error?: unknown; request?: unknown } | undefined)?.request;
  if (request instanceof XMLHttpRequest) {
    if (request.status === 0) return new RequestFailure('offline');
    if (request.status >= 400) return new RequestFailure(failureKind(request.status), { status: request.status });
  }
  return new RequestFailure('server');
}
