// Lint rule: a name from outside is never a key of a plain object, because every object answers to `constructor` and
// `__proto__` too. Refused are `name in table`, `table[name]` and `name as keyof Table` where `name` may be any string;
// server/core/table.ts has the two functions that are right, and a Map is right by itself. Needs type information.
import ts from 'typescript';

const anyText = ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.StringLike;

/** Whether a value of the type may be a string that the program itself does not name. */
function isOpen(type) {
  if (type.isUnion()) return type.types.some(isOpen);
  if (type.isIntersection()) return type.types.every(isOpen);
  if (type.flags & ts.TypeFlags.TypeParameter) return isOpen(type.getConstraint() ?? type.getDefault() ?? { flags: 0 });
  return (type.flags & anyText) !== 0 && (type.flags & (ts.TypeFlags.StringLiteral | ts.TypeFlags.EnumLiteral)) === 0;
}

export default {
  meta: {
    type: 'problem',
    messages: {
      in: 'Every object answers to `constructor`: use Object.hasOwn, own() of core/table.ts, a Set or a Map.',
      access: 'A name from outside is no key: use own() or put() of core/table.ts, or a Map.',
      cast: 'This makes any string a key without a check: use own() of core/table.ts, or a Map.',
    },
    schema: [],
  },
  create(context) {
    const { parserServices } = context.sourceCode;
    const open = (node) => isOpen(parserServices.getTypeAtLocation(node));
    return {
      BinaryExpression(node) {
        if (node.operator !== 'in' || node.left.type === 'PrivateIdentifier') return;
        if (open(node.left)) context.report({ node, messageId: 'in' });
      },
      MemberExpression(node) {
        if (node.computed && open(node.property)) context.report({ node, messageId: 'access' });
      },
      TSAsExpression(node) {
        const keys = node.typeAnnotation.type === 'TSTypeOperator' && node.typeAnnotation.operator === 'keyof';
        if (keys && open(node.expression)) context.report({ node, messageId: 'cast' });
      },
    };
  },
};
