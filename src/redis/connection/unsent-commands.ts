import type { Cluster } from 'ioredis';

/**
 * Makes a cluster client say which of its failed commands were never sent.
 *
 * ioredis ends every command of a lost node with "Connection is closed.": those that it had written, and those that it
 * only kept until the node would be connected, or refused because it was not. The former may have run. The latter have
 * not, and their callers are told so: a commit need not be asked for, a read can be made again.
 */
export function tellUnsent(cluster: Cluster): void {
  const send = cluster.sendCommand.bind(cluster);
  cluster.sendCommand = (command, stream, node) => {
    let isUnanswered = false;
    const toWritable = command.toWritable.bind(command);
    command.toWritable = (socket: object) => {
      isUnanswered = true;
      return toWritable(socket);
    };
    // Inside of the cluster's own, which answers redirections: what comes here is what the caller gets.
    const fail = command.reject.bind(command);
    command.reject = (error) => {
      fail(isUnanswered || isReply(error) ? error : unsent(error));
    };
    const answer = send(command, stream, node);
    // Outside of it: each node's own answer, such as a redirection to the next one.
    const answerFailure = command.reject.bind(command);
    command.reject = (error) => {
      if (isReply(error)) isUnanswered = false;
      answerFailure(error);
    };
    return answer;
  };
}

function isReply(error: Error): boolean {
  return error.name === 'ReplyError';
}

/** In the words that ioredis has for it on a single connection; see `command-runner.ts`. */
function unsent({ message }: Error): Error {
  return new Error(`The stream isn't writeable: ${message}`);
}
