import { commandField, type Command } from './upper-layer/command-set.ts';
import { errorComment } from './status.ts';

/** The answer to a request, with its status (PS3.7 9.1). */
export function answerTo(
  command: Command & { CommandField: number },
  status: number,
  more: Command & { comment?: string } = {},
): Command {
  const { comment, ...rest } = more;
  return {
    ...(command.AffectedSOPClassUID !== undefined && { AffectedSOPClassUID: command.AffectedSOPClassUID }),
    CommandField: (command.CommandField | commandField.response) & 0xffff,
    MessageIDBeingRespondedTo: command.MessageID ?? 0,
    Status: status,
    ...(comment !== undefined && { ErrorComment: errorComment(comment) }),
    ...rest,
  };
}
