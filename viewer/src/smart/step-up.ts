/** The question "is it still you?": asked by a request that was refused for want of a fresh sign-in, answered in a dialog. */
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { FreshSignIn } from '../api/fresh-sign-in.ts';

export const useStepUp = defineStore('step-up', () => {
  /** What is asked for; undefined when nobody asks. */
  const wanted = shallowRef<FreshSignIn>();
  let asked: Promise<string | undefined> | undefined;
  let answer: ((token: string | undefined) => void) | undefined;

  /** Requests that are refused at the same moment share one question. */
  function ask(freshness: FreshSignIn): Promise<string | undefined> {
    asked ??= new Promise<string | undefined>((done) => {
      answer = done;
      wanted.value = freshness;
    });
    return asked;
  }

  /** @param token undefined: the person would rather not. */
  function settle(token: string | undefined): void {
    wanted.value = undefined;
    asked = undefined;
    answer?.(token);
  }

  return { wanted, ask, settle };
});
