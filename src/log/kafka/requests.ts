/** The requests that we send to Kafka, by name, with what each asks and what is answered. */
import type {
  addOffsetsToTxnV3,
  addPartitionsToTxnV3,
  endTxnV3,
  fetchV13,
  findCoordinatorV4,
  heartbeatV4,
  initProducerIdV4,
  joinGroupV9,
  leaveGroupV4,
  listOffsetsV7,
  metadataV12,
  offsetFetchV8,
  produceV9,
  syncGroupV5,
  txnOffsetCommitV3,
} from "@platformatic/kafka";
import type { FetchResponse } from "./fetch-response.ts";

/** The requests we send; the shapes are the same in all versions, or made so by the client. */
export interface Requests {
  AddOffsetsToTxn: [addOffsetsToTxnV3.AddOffsetsToTxnRequest, addOffsetsToTxnV3.AddOffsetsToTxnResponse];
  AddPartitionsToTxn: [
    addPartitionsToTxnV3.AddPartitionsToTxnRequest,
    addPartitionsToTxnV3.AddPartitionsToTxnResponse,
  ];
  EndTxn: [endTxnV3.EndTxnRequest, endTxnV3.EndTxnResponse];
  Fetch: [fetchV13.FetchRequest, FetchResponse];
  FindCoordinator: [findCoordinatorV4.FindCoordinatorRequest, findCoordinatorV4.FindCoordinatorResponse];
  Heartbeat: [heartbeatV4.HeartbeatRequest, heartbeatV4.HeartbeatResponse];
  InitProducerId: [initProducerIdV4.InitProducerIdRequest, initProducerIdV4.InitProducerIdResponse];
  JoinGroup: [joinGroupV9.JoinGroupRequest, joinGroupV9.JoinGroupResponse];
  LeaveGroup: [leaveGroupV4.LeaveGroupRequest, leaveGroupV4.LeaveGroupResponse];
  ListOffsets: [listOffsetsV7.ListOffsetsRequest, listOffsetsV7.ListOffsetsResponse];
  Metadata: [metadataV12.MetadataRequest, metadataV12.MetadataResponse];
  OffsetFetch: [offsetFetchV8.OffsetFetchRequest, offsetFetchV8.OffsetFetchResponse];
  Produce: [produceV9.ProduceRequest, produceV9.ProduceResponse];
  SyncGroup: [syncGroupV5.SyncGroupRequest, syncGroupV5.SyncGroupResponse];
  TxnOffsetCommit: [txnOffsetCommitV3.TxnOffsetCommitRequest, txnOffsetCommitV3.TxnOffsetCommitResponse];
}
export type RequestName = keyof Requests;
