import type { Evaluation } from './evaluate.ts';
import type { Interval } from './bootstrap.ts';
import { LABELS } from './labels.ts';
import type { ModelManifest } from './manifest.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const three = (value: number): string => (Number.isFinite(value) ? value.toFixed(3) : '-');
const range = ({ value, low, high }: Interval, show = three): string =>
  `${show(value)} (${show(low)} to ${show(high)})`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/**
 * MODEL_CARD.md: what the model is, what it was made from and measured on, and what it must not be used for.
 * Every number comes from `evaluation.json` and `model.json`; nothing is typed in.
 */
export function modelCard(manifest: ModelManifest, evaluation: Evaluation): string {
  return [
    `# Model card: ${manifest.name} ${manifest.version}`,
    `> ${manifest.notice}`,
    identity(manifest, evaluation),
    intendedUse(manifest),
    data(evaluation),
    internal(evaluation),
    shortcut(evaluation),
    external(evaluation),
    refusals(manifest, evaluation),
    limits(manifest, evaluation),
    `## Licence\n\n${manifest.licence.model}\n\nBase: ${manifest.licence.base}.`,
  ]
    .join('\n\n')
    .concat('\n');
}

function identity(manifest: ModelManifest, { training, data: { seed, splitSha256 }, created }: Evaluation): string {
  const { settings, bestEpoch, history } = training;
  return [
    '## Identity',
    table(
      ['what', 'value'],
      [
        ['file', `${manifest.model.file}, SHA-256 \`${manifest.model.sha256}\``],
        ['measured', created],
        ['training set', `SHA-256 of the split \`${splitSha256}\`, seed ${seed}`],
        ['architecture', 'MobileNetV2 1.0 224, global average pooling, dense 256 ReLU, dropout 0.4, dense 6 softmax'],
        [
          'training',
          `head alone for ${settings.headEpochs} epochs, then block ${settings.fromBlock} to the end for ${history.length - 1} of at most ${settings.epochs} epochs, best on validation: epoch ${bestEpoch}; batch normalisation, Adam, batch ${settings.batch}, relative rate ${settings.rate}, class weights (N / n)^${settings.balance}`,
        ],
        [
          'precision',
          manifest.model.precision === 'int8'
            ? 'convolutions in 8 bits (weights of 7), rounded after training and fitted to training images; all after them float32'
            : manifest.model.precision,
        ],
        ['temperature', three(manifest.temperature)],
        ['threshold', `${manifest.uncertain.threshold}: below it the answer is "Uncertain"`],
        [
          'limits',
          `gate ${three(manifest.gate.minimum ?? Number.NaN)}, distances ${manifest.distance.limits?.map(three).join(' and ') ?? '-'}`,
        ],
      ],
    ),
  ].join('\n\n');
}

function intendedUse(manifest: ModelManifest): string {
  return [
    '## Use',
    'Research and decision support beside a doctor who reads the image and decides. Not a medical device. Not for the exclusion of a disease, ' +
      'not for triage without a human, not for images other than frontal chest films (the cardiac class is a demonstration).',
    table(
      ['class', 'shown as', 'validated', 'shown as a finding', 'limitation'],
      manifest.labels.map(({ label, display, validated, diagnosis, limitation }) => [
        label,
        display,
        validated ? 'yes' : 'no',
        diagnosis ? 'yes' : 'no',
        limitation ?? '',
      ]),
    ),
  ].join('\n\n');
}

function data({ data: { counts, refused, singleSiteClasses, licences } }: Evaluation): string {
  const parts = ['train', 'validation', 'test', 'external'] as const;
  const keys = [...new Set(counts.map(({ label, site }) => `${label}\t${site}`))];
  const rows = keys.map((key) => {
    const [label = '', site = ''] = key.split('\t');
    return [
      label,
      site,
      ...parts.map(
        (part) => counts.find((each) => each.label === label && each.site === site && each.part === part)?.count ?? 0,
      ),
    ];
  });
  return [
    '## Data',
    table(['class', 'source', ...parts], rows),
    'Divided 70/15/15 by patient or cluster of look-alikes, never by image; images of one cluster are in one part. Left out: ' +
      `${refused.map(({ reason, count }) => `${count} ${reason}`).join(', ') || 'nothing'}.`,
    singleSiteClasses.length === 0
      ? ''
      : `**All images of ${singleSiteClasses.join(' and ')} come from one source.** The network can learn the source instead of the finding; read the shortcut test and the external test before any number of the internal test.`,
    'Where a collection names no patient, a person may still occur in two parts. Labels are those of the collections and were not read again.',
    `Licences of the images:\n\n${licences.map((licence) => `- ${licence}`).join('\n')}`,
  ]
    .filter((each) => each !== '')
    .join('\n\n');
}

function internal({ internal: report }: Evaluation): string {
  const chosen = report.thresholds.find(({ threshold }) => threshold === 0.75);
  return [
    '## Internal test',
    `${report.count} images of ${report.clusters} clusters, 95 % intervals by drawing clusters.`,
    table(
      ['measure', 'value'],
      [
        ['accuracy', range(report.accuracy, percent)],
        ['macro-F1', range(report.macroF1)],
        ['balanced accuracy', range(report.balancedAccuracy)],
        ['macro AUC', range(report.macroAuc)],
        [
          'calibration error',
          `${three(report.calibration.after.error)} (${three(report.calibration.before.error)} before temperature)`,
        ],
      ],
    ),
    table(
      ['class', 'n', 'precision', 'recall', 'F1', 'AUC'],
      report.classes.map(({ label, count, precision, recall, f1, auc }) => [
        label,
        count,
        range(precision),
        range(recall),
        range(f1),
        range(auc),
      ]),
    ),
    chosen
      ? `At the threshold 0.75: ${percent(chosen.answered)} of these images get a class and ${percent(chosen.accuracyOfAnswered)} of those are right; ${chosen.errorsAnswered} of ${chosen.errors} errors still pass. This holds for data like these and nowhere else.`
      : '',
    '![confusion matrix](evaluation/confusion.svg) ![reliability](evaluation/reliability.svg) ![training](evaluation/training.svg)',
    'Accuracy by source and class:',
    table(
      ['source', 'class', 'n', 'right'],
      report.bySite.map(({ site, label, count, accuracy }) => [site, label, count, percent(accuracy)]),
    ),
    table(
      ['modality', 'n', 'accuracy', 'macro-F1'],
      report.byModality.map(({ modality, count, accuracy, macroF1 }) => [
        modality,
        count,
        percent(accuracy),
        three(macroF1),
      ]),
    ),
    report.bySubgroup.length === 0
      ? ''
      : table(
          ['subgroup', 'value', 'n', 'accuracy'],
          report.bySubgroup.map(({ subgroup, value, count, accuracy }) => [subgroup, value, count, percent(accuracy)]),
        ),
    report.unknownSubgroups.length === 0
      ? ''
      : `Not measured, because the collection does not say it: ${report.unknownSubgroups.join(', ')}.`,
  ]
    .filter((each) => each !== '')
    .join('\n\n');
}

function shortcut({ shortcut: { whole, centreBlack, trainingImages } }: Evaluation): string {
  return [
    '## Shortcut test',
    `New heads on the features of this network, ${trainingImages} training images, tested on the test part: with whole images accuracy ${percent(whole.accuracy)}, macro-F1 ${three(whole.macroF1)}; ` +
      `with the centre (170 x 180 of 224 x 224) black accuracy ${percent(centreBlack.accuracy)}, macro-F1 ${three(centreBlack.macroF1)}. ` +
      'The second number needs no lung: the closer it is to the first, the more the test rewards recognising where an image came from.',
  ].join('\n\n');
}

function external({ external: report }: Evaluation): string {
  if (!report) return '## External test\n\nNone. Without one, nothing is known about other hospitals.';
  return [
    '## External test',
    `${report.count} images of other hospitals; none was used for training, calibration or any choice. COVID against the rest: AUC ${range(report.covidAuc)}.`,
    table(
      ['source', 'truth', 'n', 'answers', 'right', 'above 0.75', 'refused'],
      report.groups.map(({ site, label, count, answers, accuracy, aboveThreshold, refused }) => [
        site,
        label,
        count,
        Object.entries(answers)
          .map(([name, each]) => `${name} ${each}`)
          .join(', '),
        percent(accuracy),
        percent(aboveThreshold),
        percent(refused),
      ]),
    ),
  ].join('\n\n');
}

function refusals(manifest: ModelManifest, { refusals: { inside, foreign } }: Evaluation): string {
  const head = ['images', 'n', 'refused', 'by the gate', 'by distance', 'softmax above 0.75', 'would be shown'];
  const rows = [...inside, ...foreign].map(({ kind, count, refused, byGate, byDistance, aboveThreshold, shown }) => [
    kind,
    count,
    percent(refused),
    percent(byGate),
    percent(byDistance),
    percent(aboveThreshold),
    percent(shown),
  ]);
  return [
    '## Refusing foreign images',
    `An image is answered only if the gate is sure (${three(manifest.gate.minimum ?? Number.NaN)} or more for chest or cardiac) and both distances are within limits. The gate's class "other" was trained on images made from training images (inverted, turned, masked, noise, shapes and more), never on the foreign images below.`,
    table(head, rows),
    'What the table does not refuse must be stopped by the DICOM tags (modality, body part, view), above all lateral films.',
  ].join('\n\n');
}

function limits(manifest: ModelManifest, { internal: report, external: outside, sheet: shown }: Evaluation): string {
  const weak = report.classes
    .filter(({ f1 }) => f1.value < 0.7)
    .map(({ label, f1 }) => `${label} (F1 ${three(f1.value)})`);
  return [
    '## Limits',
    [
      '- Where a class has few sources (table above), it stands for them as much as for a finding.',
      weak.length > 0 ? `- Weak classes: ${weak.join(', ')}.` : '',
      outside
        ? `- Outside the training sources COVID is told from the rest with an AUC of ${three(outside.covidAuc.value)}: internal accuracy does not carry over.`
        : '',
      '- Heat maps show what the network used, not where disease is; look for markers, shoulders and borders in the sheet below.',
      `- None of the ${LABELS.length} classes is validated for clinical use (${manifest.labels.filter(({ validated }) => validated).length} marked validated).`,
      '- The bar for a model of your own: 100 test images in each class, an external or later test set, at least two sites for each class or one site for all, macro-F1 not below the active model.',
    ]
      .filter((line) => line !== '')
      .join('\n'),
    shown.length === 0
      ? ''
      : `![Grad-CAM of right and wrong cases](evaluation/grad-cam.png)\n\nRight answers above, wrong answers below, each with the Grad-CAM of the answered class. Images: ${shown.join('; ')}.`,
  ]
    .filter((each) => each !== '')
    .join('\n\n');
}
