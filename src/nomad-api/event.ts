import type { Fields } from "../shared/json/fields.ts";
import { type Allocation, readAllocation } from "./allocation.ts";
import { type Deployment, readDeployment } from "./deployment.ts";
import { type Evaluation, readEvaluation } from "./evaluation.ts";
import { type Job, readJob } from "./job.ts";
import { type NodeDetails, readNode } from "./nodes.ts";

/** What every event has. */
interface EventCommon {
  /** What happened: `JobRegistered`, `DeploymentStatusUpdate`, `AllocationUpdated`, … */
  type: string;
  /** The id of what it is about. */
  key: string;
  namespace: string;
  /** The change that it tells of: several events may have the same. */
  index: bigint;
}

/** Something changed, and this is how it is now. */
export type NomadEvent = EventCommon &
  (
    | { topic: "Job"; job: Job }
    | { topic: "Deployment"; deployment: Deployment }
    | { topic: "Evaluation"; evaluation: Evaluation }
    | { topic: "Allocation"; allocation: Allocation }
    | { topic: "Node"; node: NodeDetails }
    /** One of the topics that newer versions have. */
    | { topic: "other"; topicName: string }
  );

/** Throws ShapeError. */
export function readEvent(fields: Fields): NomadEvent {
  const topic = fields.text("Topic");
  const common = {
    type: fields.text("Type"),
    key: fields.optionalText("Key") ?? "",
    namespace: fields.optionalText("Namespace") ?? "",
    index: fields.index("Index"),
  };
  switch (topic) {
    case "Job":
      return { ...common, topic, job: readJob(fields.object("Payload").raw("Job"), `${fields.at("Payload")}.Job`) };
    case "Deployment":
      return { ...common, topic, deployment: readDeployment(fields.object("Payload").object("Deployment")) };
    case "Evaluation":
      return { ...common, topic, evaluation: readEvaluation(fields.object("Payload").object("Evaluation")) };
    case "Allocation":
      return { ...common, topic, allocation: readAllocation(fields.object("Payload").object("Allocation")) };
    case "Node":
      return { ...common, topic, node: readNode(fields.object("Payload").object("Node")) };
    default:
      return { ...common, topic: "other", topicName: topic };
  }
}
