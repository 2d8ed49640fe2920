"""Kafka as tests replace it: at the connection, so that every request and its answer go through the code that hosts run."""

from __future__ import annotations

from types import SimpleNamespace as Made

from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.client import UNKNOWN_TOPIC, Admin
from ansible_collections.rackaware.kafka.plugins.module_utils._kafka.configs import BROKER_RESOURCE, DELETE, MIN_ISR


class FakeAdmin(Admin):
    """Stands in the place of Admin, and is what that opens; remembers how it was opened, and raises error instead when there is one.

    A test's own cluster says in plain data what is asked of it (partitions, view, quorum …); here that becomes the answer to a message.
    """

    asked, timeout_ms, is_kraft = None, 1000, False
    authorized_operations = {5, 7, 8, 9, 10, 11, 12}

    def __init__(self):
        self.opened, self.error = [], None

    def __call__(self, where, **arguments):
        self.opened.append((where, arguments))
        if self.error:
            raise self.error
        return self

    def close(self):
        pass

    def api_versions(self):
        return {60: (0, 2), 75: (0, 0)}

    def send_to_controller(self, request, parts=None):
        return self.send(request())

    def send(self, request, node=None):
        return getattr(self, type(request).__name__.replace("Request", ""))(request, node)

    # What a test's cluster need not say.

    def reassignments(self):
        return []

    def eligible_leader_replicas(self, topics):
        return {}

    def min_insync_replicas(self, topics, broker=None):
        return dict.fromkeys(topics, (2, True))

    def users(self):
        """Names of users with a password."""
        return []

    def ping(self, broker):
        """The controller by this broker, when it answers."""
        return -1

    # Messages.

    def Metadata(self, request, node):
        topics = None if request.topics is None else [topic.name for topic in request.topics]
        if node is None:
            said = {"partitions": self.partitions(topics)}
        elif topics == []:
            said = {"controller_id": self.ping(node)}
        else:
            said = self.view(node, topics)
        return Made(
            controller_id=said.get("controller_id", -1),
            brokers=[
                Made(node_id=each["id"], host=each.get("host"), port=each.get("port"), rack=each.get("rack"))
                for each in said.get("brokers", ())
            ],
            topics=[
                Made(
                    name=name,
                    error_code=0,
                    partitions=[
                        Made(
                            partition_index=each["partition"],
                            leader_id=each["leader"],
                            replica_nodes=each["replicas"],
                            isr_nodes=each["isr"],
                            offline_replicas=[],
                        )
                        for each in listed
                    ],
                )
                for name, listed in said.get("partitions", {}).items()
            ],
        )

    def DescribeCluster(self, request, node):
        said = self.cluster()
        brokers = [
            Made(
                broker_id=each["id"],
                host=each.get("host"),
                port=each.get("port"),
                rack=each.get("rack"),
                is_fenced=each["fenced"],
            )
            for each in said["brokers"]
        ]
        named = {name: said.get(name) for name in ("cluster_id", "controller_id")}
        return Made(
            error_code=0, error_message=None, brokers=brokers, authorized_operations=self.authorized_operations, **named
        )

    def DescribeUserScramCredentials(self, request, node):
        def said(user):
            return Made(user=user, error_code=0, credential_infos=[Made(mechanism=2, iterations=8192)])

        return Made(error_code=0, error_message=None, results=[said(user) for user in self.users()])

    def DescribeQuorum(self, request, node):
        said = self.quorum()

        def members(listed):
            return [
                Made(
                    replica_id=each["id"],
                    log_end_offset=each.get("log_end_offset"),
                    last_caught_up_timestamp=each["last_caught_up_ms"],
                )
                for each in listed
            ]

        partition = Made(
            error_code=0,
            leader_id=said["leader"],
            leader_epoch=said.get("epoch"),
            high_watermark=said.get("high_watermark"),
            current_voters=members(said["voters"]),
            observers=members(said["observers"]),
        )
        return Made(error_code=0, topics=[Made(partitions=[partition])])

    def ListPartitionReassignments(self, request, node):
        topics = [
            Made(
                name=move["topic"],
                partitions=[
                    Made(
                        partition_index=move["partition"],
                        replicas=move["replicas"],
                        adding_replicas=move["adding"],
                        removing_replicas=move["removing"],
                    )
                ],
            )
            for move in self.reassignments()
        ]
        return Made(error_code=0, error_message=None, topics=topics)

    def DescribeTopicPartitions(self, request, node):
        said = self.eligible_leader_replicas([topic.name for topic in request.topics])
        topics = [
            Made(name=name, error_code=0, partitions=[Made(partition_index=index, eligible_leader_replicas=elr)])
            for (name, index), elr in said.items()
        ]
        return Made(topics=topics, next_cursor=None)

    def DescribeConfigs(self, request, node):
        names = [resource.resource_name for resource in request.resources]
        if request.resources[0].resource_type == BROKER_RESOURCE:
            said = {str(node): {MIN_ISR: {"value": str(self.own_minimum(node)), "own": False}}}
        elif request.resources[0].configuration_keys == [MIN_ISR]:
            least = self.min_insync_replicas(names, node).items()
            said = {name: {MIN_ISR: {"value": str(value), "own": own}} for name, (value, own) in least}
        else:
            said = self.topic_configs(names)
        results = [
            Made(
                resource_name=name,
                error_code=0 if name in said else UNKNOWN_TOPIC,
                error_message=None,
                configs=[
                    Made(name=key, value=each["value"], config_source=1 if each["own"] else 5)
                    for key, each in said.get(name, {}).items()
                ],
            )
            for name in names
        ]
        return Made(results=results)

    def DescribeLogDirs(self, request, node):
        if request.topics is None:
            said = [{"topic": name, "partition": index} for name, index in self.held_by(node)]
        else:
            said = self.sizes(node, [(topic.topic, index) for topic in request.topics for index in topic.partitions])
        topics = [
            Made(
                name=each["topic"],
                partitions=[
                    Made(
                        partition_index=each["partition"],
                        partition_size=each.get("size_bytes"),
                        offset_lag=0,
                        is_future_key=each.get("future", False),
                    )
                ],
            )
            for each in said
        ]
        return Made(
            error_code=0, results=[Made(log_dir="/d", error_code=0, total_bytes=-1, usable_bytes=-1, topics=topics)]
        )

    def CreateTopics(self, request, node):
        for topic in request.topics:
            self.create_topic(
                topic.name,
                topic.num_partitions,
                topic.replication_factor,
                {config.name: config.value for config in topic.configs},
                {each.partition_index: each.broker_ids for each in topic.assignments},
                validate_only=request.validate_only,
            )
        return Made(topics=[Made(name=topic.name, error_code=0, error_message=None) for topic in request.topics])

    def CreatePartitions(self, request, node):
        for topic in request.topics:
            places = None if topic.assignments is None else [each.broker_ids for each in topic.assignments]
            self.add_partitions(topic.name, topic.count, places, validate_only=request.validate_only)
        return Made(results=[Made(name=topic.name, error_code=0, error_message=None) for topic in request.topics])

    def IncrementalAlterConfigs(self, request, node):
        for resource in request.resources:
            config = {each.name: None if each.config_operation == DELETE else each.value for each in resource.configs}
            self.alter_topic_config(resource.resource_name, config, validate_only=request.validate_only)
        return Made(
            responses=[
                Made(resource_name=each.resource_name, error_code=0, error_message=None) for each in request.resources
            ]
        )

    def DeleteTopics(self, request, node):
        for topic in request.topics:
            self.delete_topic(topic.name)
        return Made(responses=[Made(name=topic.name, error_code=0) for topic in request.topics])

    def ElectLeaders(self, request, node):
        """The cluster's elect() returns Kafka's code for each partition that cannot be led so."""
        refused = self.elect([(name, index) for name, indexes in request.topic_partitions for index in indexes])
        results = [
            Made(topic=name, partition_result=[Made(partition_id=index, error_code=code)])
            for (name, index), code in refused.items()
        ]
        return Made(error_code=0, replica_election_results=results)
