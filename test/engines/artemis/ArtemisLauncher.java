import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.JournalType;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;

/** ArtemisLauncher DIR PORT: an MQTT broker on loopback that keeps its data in DIR. */
public class ArtemisLauncher {
  public static void main(String[] args) throws Exception {
    var configuration = new ConfigurationImpl();
    configuration.setPersistenceEnabled(true).setSecurityEnabled(false).setJMXManagementEnabled(false);
    configuration.setJournalType(JournalType.NIO).setJournalFileSize(1 << 20).setMaxDiskUsage(-1);
    configuration.setJournalDirectory(args[0] + "/journal").setBindingsDirectory(args[0] + "/bindings");
    configuration.setPagingDirectory(args[0] + "/paging").setLargeMessagesDirectory(args[0] + "/large");
    configuration.addAcceptorConfiguration("mqtt", "tcp://127.0.0.1:" + args[1] + "?protocols=MQTT");
    var broker = new EmbeddedActiveMQ().setConfiguration(configuration);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        broker.stop();
      } catch (Exception error) {
        error.printStackTrace();
      }
    }));
    broker.start();
    Thread.currentThread().join();
  }
}
