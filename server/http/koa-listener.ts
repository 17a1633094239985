import type { RequestListener } from 'node:http';
import type Koa from 'koa';
import type { State } from './state.ts';

/**
 * A Koa application as the listener that Node's HTTP servers take, which ignore what a listener returns. Koa answers
 * the errors of its middleware itself; what it throws beyond that is nobody's, and ends the process as every uncaught
 * error does.
 */
export function koaListener(app: Koa<State> | Koa): RequestListener {
  const answer = (app as Koa).callback();
  return (request, response) => void answer(request, response);
}
