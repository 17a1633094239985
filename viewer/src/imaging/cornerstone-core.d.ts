/** The part of cornerstone-core 2.6.1 that the quick look uses; the package brings no types. */
declare module 'cornerstone-core' {
  export interface Image {
    imageId: string;
    rows: number;
    columns: number;
    width: number;
    height: number;
    color: boolean;
    rgba?: boolean;
    invert: boolean;
    slope: number;
    intercept: number;
    windowCenter: number;
    windowWidth: number;
    minPixelValue: number;
    maxPixelValue: number;
    columnPixelSpacing: number | undefined;
    rowPixelSpacing: number | undefined;
    sizeInBytes: number;
    getPixelData(): ArrayLike<number>;
  }
  export interface Viewport {
    scale: number;
    invert: boolean;
    voi: { windowCenter: number; windowWidth: number };
  }
  const cornerstone: {
    enable(element: HTMLElement): void;
    disable(element: HTMLElement): void;
    displayImage(element: HTMLElement, image: Image): void;
    getViewport(element: HTMLElement): Viewport | undefined;
    setViewport(element: HTMLElement, viewport: Viewport): void;
    resize(element: HTMLElement, fitToWindow: boolean): void;
  };
  export default cornerstone;
}
