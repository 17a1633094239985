/** Operations of ours (FHIR operations.html): POST with a Parameters resource, beside the ones that FHIR defines. */
import type { Parameters, ParametersParameter, ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../../core/problem.ts';
import { refuseFaulty } from '../../core/records/write.ts';
import { hasControls, hasInk } from '../../core/readable-text.ts';
import type { Answer, Exchange } from '../exchange.ts';

export interface Operation {
  type: ResourceType;
  /** Without the dollar sign. */
  name: string;
  /** Canonical address of its OperationDefinition. */
  definition: string;
  /** POST [base]/[type]/[id]/$[name], or [base]/[type]/$[name]. */
  level: 'instance' | 'type';
  /**
   * @param id of the instance; empty at the level of the type.
   * @throws Problem as the core says.
   */
  run(exchange: Exchange, asked: Asked, id: string): Promise<Answer>;
}

const longestReason = 2_000;

/** What an operation was asked: the parameters in the body, by name. */
export class Asked {
  readonly #parameters: readonly ParametersParameter[];

  constructor(parameters: readonly ParametersParameter[]) {
    this.#parameters = parameters;
  }

  one(name: string): ParametersParameter | undefined {
    return this.#parameters.find((parameter) => parameter.name === name);
  }

  /** All of them, as they came. */
  get every(): readonly ParametersParameter[] {
    return this.#parameters;
  }

  all(name: string): readonly ParametersParameter[] {
    return this.#parameters.filter((parameter) => parameter.name === name);
  }

  /** @throws Problem `required` without text that can be read. */
  text(name: string): string {
    const { valueString, valueCode } = this.one(name) ?? {};
    const text = valueString ?? valueCode;
    if (text === undefined || !hasInk(text))
      throw new Problem('required', `The parameter ${name} is missing: a text that can be read`, expressionOf(name));
    return text;
  }

  /** Why: it stands in records and in the audit trail. @throws Problem `required`, `value`. */
  get reason(): string {
    const reason = this.text('reason');
    if (reason.length <= longestReason && !hasControls(reason)) return reason;
    throw new Problem('value', `The parameter reason has at most ${longestReason} characters, none of them a control.`);
  }

  /** `Type/id`. @throws Problem `required`. */
  reference(name: string): string {
    const reference = this.one(name)?.valueReference?.reference;
    if (reference === undefined)
      throw new Problem('required', `The parameter ${name} is missing: a Reference`, expressionOf(name));
    return reference;
  }
}

/** The body of an operation. @throws Problem `structure`, and what validation says. */
export async function askedOf({ world }: Exchange, body: Record<string, unknown>): Promise<Asked> {
  if (body['resourceType'] !== 'Parameters')
    throw new Problem('structure', 'The body of an operation must be a Parameters resource', {
      expression: 'resourceType',
    });
  refuseFaulty(await world.checker.issues(body as unknown as Parameters));
  return new Asked((body as unknown as Parameters).parameter ?? []);
}

function expressionOf(name: string): { expression: string } {
  return { expression: `Parameters.parameter.where(name='${name}')` };
}
