import type { ModelManifest } from './manifest.ts';

const BASE =
  'MobileNetV2 1.0 224 trained on ImageNet (quantisation-aware, uint8), google-coral/test_data, Apache License 2.0, see NOTICE';

/** Before training only the base weights have an owner. */
export const UNTRAINED_LICENCE: ModelManifest['licence'] = {
  model: 'Apache-2.0 (weights of the base network)',
  base: BASE,
  notices: ['NOTICE', 'LICENSE-APACHE-2.0.txt'],
};

/** The data decide what the shipped weights may be used for. */
export const SHIPPED_LICENCE: ModelManifest['licence'] = {
  model:
    'Research and education only, no commercial use: derived from ACDC (research only), the COVID-19 Radiography ' +
    'Database (research and education), Kermany et al. (CC BY 4.0) and NIH ChestX-ray14 (free use with acknowledgement). ' +
    'Retrain on your own images before any other use.',
  base: BASE,
  notices: ['NOTICE', 'LICENSE-APACHE-2.0.txt'],
};
