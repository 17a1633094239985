/**
 * Build of the web application into viewer/dist, which the server serves at `/`.
 *
 * Nothing is inlined (`assetsInlineLimit: 0`): the server's Content-Security-Policy allows no data:
 * fonts or scripts. Cornerstone 5 and vtk.js live in the study route's chunks only.
 */
import tailwind from '@tailwindcss/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';
import { shellFiles } from './shell-files.ts';
import { wordsByGroup } from './words-by-group.ts';

/**
 * Replaces code that is imported and that this viewer never runs. Of vtk.js: xmlbuilder2 (an XML mesh reader; it
 * needs Node's `events` and stops the page with "Class extends value undefined") and the WebGPU renderer. Of the
 * codecs: `fs` and `path`, by which they read their WebAssembly when they run in Node.
 */
function leaveOutUnusedCode(): Plugin {
  const stub = '\0left-out';
  return {
    name: 'leave-out-unused-code',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source === 'xmlbuilder2') return stub;
      const from = (name: string) => importer?.includes(`/node_modules/${name}`) ?? false;
      if (from('@kitware/vtk.js') && source.includes('/WebGPU')) return stub;
      return from('@cornerstonejs/codec-') && (source === 'fs' || source === 'path') ? stub : null;
    },
    load(id) {
      if (id !== stub) return null;
      return [
        "function leftOut() { throw new Error('This reader is not part of the viewer.'); }",
        'export const create = leftOut;',
        'export const convert = leftOut;',
        'export default {};',
      ].join('\n');
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [leaveOutUnusedCode(), wordsByGroup(), vue(), tailwind(), shellFiles()],
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    // `locales/compile-message.ts` does what our messages need.
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'true',
  },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    // The study route's chunk holds vtk.js and Cornerstone 5; dashboards never load it.
    chunkSizeWarningLimit: 4500,
    modulePreload: { polyfill: false },
    // How long the build's own plugins take is nothing that a reader of its output can act on.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  optimizeDeps: {
    exclude: ['@cornerstonejs/dicom-image-loader', '@cornerstonejs/codec-libjxl'],
    include: [
      'dicom-parser',
      'pako',
      'comlink',
      '@cornerstonejs/codec-charls/decodewasmjs',
      '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs',
      '@cornerstonejs/codec-openjpeg/decodewasmjs',
      '@cornerstonejs/codec-openjph/wasmjs',
    ],
  },
  worker: {
    format: 'es',
    plugins: () => [leaveOutUnusedCode()],
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
});
