// What an administrator seldom asks, once each: AdminCalls.java BOOTSTRAP TOPIC GROUP [SASL_BOOTSTRAP].
// TOPIC has partitions with at least three records in the first, GROUP has committed there and has no members. A line
// out for each call: its name, a tab, and what came of it, an error by the name of its class. With SASL_BOOTSTRAP, a
// listener where "probe" logs in with PLAIN, it logs in there instead.

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class AdminCalls {
  static final int NODE = 1;
  static final int TIMEOUT_MS = 30_000;

  static void call(String name, Callable<Object> what) throws Exception {
    Object outcome;
    try {
      outcome = what.call();
    } catch (ExecutionException error) {
      outcome = error.getCause().getClass().getSimpleName();
    } catch (RuntimeException error) {
      outcome = error.getClass().getSimpleName();
    }
    System.out.println(name + "\t" + outcome);
  }

  static String named(Optional<Throwable> error) {
    return error.map(e -> e.getClass().getSimpleName()).orElse("ok");
  }

  static Map<String, Object> settings(String bootstrap) {
    return new HashMap<>(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", TIMEOUT_MS));
  }

  static Map<String, Object> login(String bootstrap) {
    Map<String, Object> all = settings(bootstrap);
    all.put("security.protocol", "SASL_PLAINTEXT");
    all.put("sasl.mechanism", "PLAIN");
    all.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required "
        + "username=\"probe\" password=\"probe\";");
    return all;
  }

  static void calls(String bootstrap, String topic, String group) throws Exception {
    var first = new TopicPartition(topic, 0);
    var nowhere = new TopicPartition(topic, 9);
    var acl = new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
        new AccessControlEntry("User:a", "*", AclOperation.READ, AclPermissionType.ALLOW));
    try (Admin admin = Admin.create(settings(bootstrap))) {
      call("cluster", () -> admin.describeCluster().nodes().get().stream().map(node -> node.id()).toList());
      call("group", () -> {
        var group1 = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        return group1.state() + " " + group1.members().size();
      });
      call("no group", () -> admin.describeConsumerGroups(List.of("nobody")).all().get().get("nobody").state());
      call("log dirs", () -> admin.describeLogDirs(List.of(NODE)).allDescriptions().get().get(NODE).values().stream()
          .allMatch(dir -> dir.error() == null && dir.replicaInfos().containsKey(first)));
      call("quorum", () -> {
        var quorum = admin.describeMetadataQuorum().quorumInfo().get();
        return quorum.leaderId() + " " + quorum.voters().size() + " " + quorum.observers().size();
      });
      call("producers", () -> admin.describeProducers(List.of(first)).all().get().get(first).activeProducers().size());
      call("elect", () -> named(admin.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions().get().get(first)));
      call("elect nothing", () -> named(
          admin.electLeaders(ElectionType.PREFERRED, Set.of(nowhere)).partitions().get().get(nowhere)));
      call("elect uncleanly", () -> named(
          admin.electLeaders(ElectionType.UNCLEAN, Set.of(first)).partitions().get().get(first)));
      call("elect all", () -> admin.electLeaders(ElectionType.PREFERRED, null).partitions().get());
      call("reassign to itself", () -> reassign(admin, first, List.of(NODE)));
      call("reassign elsewhere", () -> reassign(admin, first, List.of(7)));
      call("reassign twice to itself", () -> reassign(admin, first, List.of(NODE, NODE)));
      call("reassign to none", () -> reassign(admin, first, List.of()));
      call("reassign nothing", () -> reassign(admin, nowhere, List.of(NODE)));
      call("cancel a reassignment", () -> reassign(admin, first, null));
      call("reassignments", () -> admin.listPartitionReassignments().reassignments().get());
      call("reassignments of one", () -> admin.listPartitionReassignments(Set.of(first)).reassignments().get());
      call("acls", () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
      call("create acls", () -> admin.createAcls(List.of(acl)).all().get());
      call("delete acls", () -> admin.deleteAcls(List.of(acl.toFilter())).all().get());
      call("resources", () -> resources(admin, topic));
      call("validated position", () -> validated(bootstrap, first));
      call("records deleted", () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(2))).all().get() + ""
          + admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(1))).lowWatermarks().get(first).get()
              .lowWatermark());
      call("records deleted beyond the end",
          () -> admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(1_000))).all().get());
      call("offsets deleted", () -> admin.deleteConsumerGroupOffsets(group, Set.of(first)).all().get());
      call("group deleted", () -> admin.deleteConsumerGroups(List.of(group)).all().get());
      call("no group deleted", () -> admin.deleteConsumerGroups(List.of("nobody")).all().get());
    }
    call("login where there is none", () -> {
      try (Admin admin = Admin.create(login(bootstrap))) {
        return admin.describeCluster().clusterId().get();
      }
    });
  }

  // The 3 line knows those of client metrics alone.
  static Object resources(Admin admin, String topic) throws Exception {
    for (var method : Admin.class.getMethods()) {
      if (method.getName().equals("listConfigResources") && method.getParameterCount() == 0) {
        Object result = method.invoke(admin);
        var all = (KafkaFuture<?>) result.getClass().getMethod("all").invoke(result);
        return ((Collection<?>) all.get()).contains(new ConfigResource(ConfigResource.Type.TOPIC, topic));
      }
    }
    return admin.listClientMetricsResources().all().get().size();
  }

  static Object reassign(Admin admin, TopicPartition partition, List<Integer> to) throws Exception {
    var wanted = to == null ? Optional.<NewPartitionReassignment>empty()
        : Optional.of(new NewPartitionReassignment(to));
    return admin.alterPartitionReassignments(Map.of(partition, wanted)).all().get();
  }

  // A consumer that goes on at an offset of an epoch asks first where that epoch ended.
  static Object validated(String bootstrap, TopicPartition partition) {
    var settings = settings(bootstrap);
    settings.put("auto.offset.reset", "none");
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seek(partition, new OffsetAndMetadata(1, Optional.of(0), ""));
      for (int asked = 0; asked < 300; ++asked) {
        for (var record : consumer.poll(Duration.ofMillis(100))) {
          return record.offset();
        }
      }
      return "nothing";
    }
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 4) {
      try (Admin admin = Admin.create(login(arguments[3]))) {
        call("login", () -> admin.describeCluster().clusterId().get().isEmpty());  // "false": there is one.
      }
      return;
    }
    calls(arguments[0], arguments[1], arguments[2]);
  }
}
