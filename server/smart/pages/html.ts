export * from '../../http/answer/html.ts';
