/** What validation found, and what it knows of the resource that it walks. */
import type { ProblemCode } from '../problem.ts';

export interface ValidationIssue {
  code: Extract<ProblemCode, 'structure' | 'required' | 'value' | 'invariant' | 'code-invalid'>;
  /** For a person; never repeats a value. */
  message: string;
  /** FHIRPath of the element at fault. */
  expression: string;
}

/** What is known of the resource that is being walked. */
export interface Walk {
  root: Node;
  issues: ValidationIssue[];
  /** What may still be asked, of the resource and all that is in it. */
  budget: { rules: number };
  /** Local references (`#id`) met so far. */
  localReferences: { id: string; expression: string }[];
  contained: ReadonlyMap<string, Node>;
  /** In a contained resource: no further nesting, and `#` means its container. */
  isContained: boolean;
}
export type Node = Record<string, unknown>;

export function report(
  issues: ValidationIssue[],
  code: ValidationIssue['code'],
  message: string,
  expression: string,
): void {
  issues.push({ code, message, expression });
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
