/**
 * The quick look: one picture on a 2D canvas by cornerstone-core, without WebGL, workers or codecs.
 * Monochrome frames come as native samples; everything else is drawn by the server and shown as it is.
 */
import cornerstone, { type Image } from 'cornerstone-core';
import { number, text, type DicomDataset } from '../api/dicom-json.ts';
import type { DicomWebClient, InstanceAddress } from '../api/dicomweb.ts';
import { RequestFailure } from '../api/failure.ts';
import { layoutOf, samplesOf, type SampleLayout } from './native-samples.ts';
import { windowOfSamples, type Window } from './window.ts';

export interface QuickLook {
  invert(): void;
  close(): void;
}

/** Draws one frame into `element`, which must have a size. @throws RequestFailure */
export async function openQuickLook(
  element: HTMLElement,
  dicomweb: DicomWebClient,
  address: InstanceAddress,
  signal: AbortSignal,
): Promise<QuickLook> {
  const [instance = {}] = await dicomweb.instanceMetadata(address, signal);
  const image = await imageOf(dicomweb, address, instance, signal);
  signal.throwIfAborted();
  cornerstone.enable(element);
  cornerstone.displayImage(element, image);
  const resized = new ResizeObserver(() => cornerstone.resize(element, true));
  resized.observe(element);
  return {
    invert() {
      const viewport = cornerstone.getViewport(element);
      if (viewport) cornerstone.setViewport(element, { ...viewport, invert: !viewport.invert });
    },
    close() {
      resized.disconnect();
      cornerstone.disable(element);
    },
  };
}

async function imageOf(
  dicomweb: DicomWebClient,
  address: InstanceAddress,
  instance: DicomDataset,
  signal: AbortSignal,
): Promise<Image> {
  const layout = layoutOf(instance);
  const frame = Math.ceil((number(instance, 'NumberOfFrames') ?? 1) / 2);
  if (layout) {
    try {
      return monochromeImage(address, instance, layout, await dicomweb.nativeFrame(address, frame, signal));
    } catch (thrown) {
      // 406: the server cannot turn this encoding into native samples, but it may be able to draw it.
      if (!(thrown instanceof RequestFailure) || thrown.status !== 406) throw thrown;
    }
  }
  return drawnImage(address, await dicomweb.rendered(address, frame, signal));
}

function monochromeImage(
  address: InstanceAddress,
  instance: DicomDataset,
  layout: SampleLayout,
  bytes: Uint8Array<ArrayBuffer>,
): Image {
  const samples = samplesOf(bytes, layout);
  const slope = number(instance, 'RescaleSlope') ?? 1;
  const intercept = number(instance, 'RescaleIntercept') ?? 0;
  const all = windowOfSamples(samples, 1, 0);
  return {
    ...frameOf(address, layout.rows, layout.columns, windowIn(instance) ?? windowOfSamples(samples, slope, intercept)),
    color: false,
    invert: text(instance, 'PhotometricInterpretation') === 'MONOCHROME1',
    slope,
    intercept,
    minPixelValue: all.center - all.width / 2,
    maxPixelValue: all.center + all.width / 2 - 1,
    sizeInBytes: samples.byteLength,
    getPixelData: () => samples,
  };
}

function windowIn(instance: DicomDataset): Window | undefined {
  const center = number(instance, 'WindowCenter');
  const width = number(instance, 'WindowWidth');
  return center !== undefined && width !== undefined && width >= 1 ? { center, width } : undefined;
}

async function drawnImage(address: InstanceAddress, picture: Blob): Promise<Image> {
  const bitmap = await createImageBitmap(picture);
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext('2d');
  if (!context) throw new RequestFailure('server');
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  bitmap.close();
  return {
    ...frameOf(address, canvas.height, canvas.width, { center: 128, width: 256 }),
    color: true,
    rgba: true,
    invert: false,
    slope: 1,
    intercept: 0,
    minPixelValue: 0,
    maxPixelValue: 255,
    sizeInBytes: data.byteLength,
    getPixelData: () => data,
  };
}

function frameOf(address: InstanceAddress, rows: number, columns: number, window: Window) {
  return {
    imageId: `csss:${address.SOPInstanceUID}`,
    rows,
    columns,
    width: columns,
    height: rows,
    windowCenter: window.center,
    windowWidth: window.width,
    columnPixelSpacing: undefined,
    rowPixelSpacing: undefined,
  };
}
